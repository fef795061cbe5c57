"""A folder judged by a detector file: the module's own scores, whatever the photographs are."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from gradlib.data.images import read_image, squash
from gradlib.data.readers import load_dataset
from gradlib.deploy.detector import Detector, write_detector
from gradlib.deploy.judge import COLUMNS, Judge, judge_folder, main
from gradlib.errors import InputError
from networks import small_detector

CELLS = 40


@pytest.fixture(scope="module")
def detector() -> Detector:
    return small_detector()


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty solar cells, half of them in a subfolder."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "late").mkdir()
    samples = load_dataset("elpv")
    for number, sample in enumerate(samples[:: len(samples) // CELLS][:CELLS]):
        place = folder / "late" if number % 2 else folder
        (place / f"{number:02}{sample.image.suffix}").write_bytes(sample.image.read_bytes())
    return folder


@pytest.fixture(scope="module")
def scores(detector: Detector, cells: Path) -> dict[str, float]:
    """What the module says, by PyTorch."""
    paths = [path for path in cells.rglob("*") if path.is_file()]
    return {
        path.relative_to(cells).as_posix(): detector.answer(
            torch.from_numpy(squash(read_image(path), detector.image_size))
        ).score.item()
        for path in paths
    }


@pytest.fixture(scope="module")
def file(detector: Detector, scores: dict[str, float], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "detector.onnx"
    return write_detector(
        detector, path, threshold=float(np.median(list(scores.values()))), threshold_from="its median"
    )


def test_a_folder_is_judged_as_pytorch_would(file: Path, cells: Path, scores: dict[str, float], tmp_path: Path) -> None:
    verdicts = judge_folder(file, cells, tmp_path / "out")
    assert {v.photograph for v in verdicts} == scores.keys()
    for v in verdicts:
        assert v.score == pytest.approx(scores[v.photograph], rel=1e-3)
        assert Image.open(tmp_path / "out" / "maps" / f"{v.photograph}.png").size == (128, 64)
    with (tmp_path / "out" / "scores.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["photograph"] for row in rows] == [v.photograph for v in verdicts]
    threshold = Judge(file).threshold
    assert all((float(row["score"]) >= threshold * (1 - 1e-4)) == (row["verdict"] == "defective") for row in rows)
    assert 0.4 * CELLS <= sum(row["verdict"] == "defective" for row in rows) <= 0.6 * CELLS


def test_the_page_begins_with_the_highest_score(file: Path, cells: Path, tmp_path: Path) -> None:
    verdicts = judge_folder(file, cells, tmp_path)
    page = (tmp_path / "index.html").read_text()
    places = [page.index(f'<p class="{v.verdict}">{v.photograph}:') for v in sorted(verdicts, key=lambda v: -v.score)]
    assert places == sorted(places)
    assert "http" not in page


def test_hidden_files_of_other_systems_are_not_judged(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    for name in ("a.png", "more/b.png", ".trash/c.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 80), "gray").save(folder / name)
    for name in ("._a.png", "more/._b.png"):
        (folder / name).write_bytes(b"resource fork")
    assert main([str(file), str(folder), str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "scores.csv").open(newline="") as table:
        assert [row["photograph"] for row in csv.DictReader(table)] == ["a.png", "more/b.png"]


@pytest.mark.parametrize("module", ["gradlib.deploy.judge", "gradlib.data.readers"])
def test_judging_and_reading_load_no_pytorch(module: str) -> None:
    heavy = ("torch", "torchvision", "timm", "lightning_fabric", "skimage")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_what_cannot_be_read_is_named_and_the_rest_is_judged(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.new("RGB", (80, 50), "gray").save(folder / "a #1 & <b>.png")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    Image.fromarray(np.full((40, 40), 30000, np.uint16)).save(folder / "deep.png")
    status = main([str(file), str(folder), str(tmp_path / "out")])
    said = capsys.readouterr()
    assert status == 1
    assert "cut.jpg" in said.err
    assert said.out.startswith("3 photographs, ")
    with (tmp_path / "out" / "scores.csv").open(newline="") as table:
        rows = {row["photograph"]: row for row in csv.DictReader(table)}
    assert tuple(next(iter(rows.values()))) == COLUMNS
    assert (rows["cut.jpg"]["score"], rows["cut.jpg"]["verdict"]) == ("", "unreadable")
    assert float(rows["deep.png"]["score"]) > 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert "maps/a%20%231%20%26%20%3Cb%3E.png.png" in page
    assert "<b>" not in page
    assert "a #1 &amp; &lt;b&gt;.png: " in page
    assert page.index("cut.jpg: ") < page.index("deep.png: ")  # what could not be read comes first


def test_mistakes_have_a_sentence(file: Path, cells: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        judge_folder(file, tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no image file"):
        judge_folder(file, tmp_path / "empty", tmp_path / "out")
    with pytest.raises(InputError, match="choose a place beside it"):
        judge_folder(file, cells, cells / "out")
    model = onnx.load(file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(InputError, match="contains no threshold"):
        judge_folder(tmp_path / "other.onnx", cells, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_is_wrong(cells: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "gradlib.deploy.judge",
        str(tmp_path / "none.onnx"),
        str(cells),
        str(tmp_path / "out"),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "cannot be read as an ONNX model" in answer.stderr


def test_threshold_and_size_are_the_file_s(file: Path) -> None:
    metadata = {p.key: json.loads(p.value) for p in onnx.load(file).metadata_props}
    assert (Judge(file).threshold, Judge(file).size) == (metadata["threshold"], metadata["image_size"])
