"""The public face: names that load when they are used, documented once, and two examples that work as printed."""

import re
import warnings
from pathlib import Path

import pytest

import gradlib as gl
from conftest import write_tiny_mvtec
from gradbook.paths import repository

README = (repository() / "README.md").read_text(encoding="utf8")
API = (repository() / "book" / "api.md").read_text(encoding="utf8")
STUB = (repository() / "gradlib" / "__init__.pyi").read_text(encoding="utf8")
TEN_LINES, OWN_LOOP = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]


def test_public_names_are_those_of_the_stub_and_few() -> None:
    names = re.findall(r"import (\w+) as \1$", STUB, re.MULTILINE)
    assert set(gl.__all__) == set(names)
    assert len(names) <= 30
    for name in names:
        assert getattr(gl, name).__doc__, f"gl.{name} has no docstring"


def test_the_reference_documents_each_public_name_once() -> None:
    documented = re.findall(r"^\.\. (?:auto\w+|data):: gradlib\.(\w+)$", API, re.MULTILINE)
    named = [name for name in documented if name in gl.__all__]
    assert sorted(named) == sorted(gl.__all__)


@pytest.mark.parametrize("example", [TEN_LINES, OWN_LOOP])
def test_the_reference_begins_with_the_examples_of_the_readme(example: str) -> None:
    assert f"```python\n{example}```" in API
    code = [line for line in example.splitlines() if line and not line.startswith("#")]
    assert code.index("import gradlib as gl") <= 1
    assert len(code) <= 11, "ten lines and an import"


def test_from_a_folder_of_images_to_metrics_in_ten_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_mvtec(tmp_path / "mvtec", ("bottle",), size=64)
    monkeypatch.setenv("GRAD_CACHE", str(tmp_path / "cache"))
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this bottle has fewer images than the data set's
        exec(TEN_LINES.replace("path/to/mvtec", str(tmp_path / "mvtec")), names)
    assert names["d"].shape == (4, 14, 14)  # type: ignore[attr-defined]
    assert "image_auroc" in capsys.readouterr().out


def test_the_model_trains_in_a_loop_of_one_s_own() -> None:
    names: dict[str, object] = {}
    exec(OWN_LOOP, names)
    model, x = names["model"], names["x"]
    before = gl.GRAD(gl.preset_config("lite", x))
    before.prepare(x)
    assert model(x).loss < 0.9 * before(x).loss  # type: ignore[operator]
