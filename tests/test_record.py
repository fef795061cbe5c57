"""What a run left is read whole, or refused by its path."""

from pathlib import Path

import pytest

from gradbook.paths import repository
from gradbook.study.record import read_results, read_scores
from gradlib.errors import InputError
from gradlib.files import replace_file


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no results"), ("{", "not valid JSON"), ('{"schema": 0}', "schema"), ("[1]", "schema")],
)
def test_results_that_cannot_be_read_are_refused_by_path(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_results(tmp_path)
    assert "results.json" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04 and no more"])
def test_damaged_scores_are_refused(tmp_path, content):
    (tmp_path / "scores.npz").write_bytes(content)
    with pytest.raises(InputError, match="scores"):
        read_scores(tmp_path)


def test_a_file_comes_into_its_place_whole_and_on_the_disk(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr("os.fsync", lambda descriptor: done.append("on the disk"))
    rename = Path.replace
    monkeypatch.setattr(Path, "replace", lambda part, path: done.append("in its place") or rename(part, path))
    (tmp_path / "new").write_text("whole")
    replace_file(tmp_path / "new", tmp_path / "old")
    assert done == ["on the disk", "in its place"]
    assert (tmp_path / "old").read_text() == "whole"


def test_every_file_that_is_renamed_into_its_place_is_put_there():
    renaming = [path for path in (repository() / "gradlib").rglob("*.py") if "part.replace(" in path.read_text("utf-8")]
    assert [path.name for path in renaming] == ["files.py"]
