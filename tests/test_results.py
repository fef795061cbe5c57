"""What a run left is read whole, or refused by its path."""

import pytest

from gradlib.errors import InputError
from gradlib.results import read_results, read_scores


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no results"), ("{", "no valid JSON"), ('{"schema": 0}', "schema"), ("[1]", "schema")],
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
