"""The example of a reader's folder."""

from pathlib import Path

import pytest

from gradbook.analysis.example_photos import example_folder
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from gradlib.files import sha256_of


def test_images_of_the_example_are_distinct_and_depend_on_the_seed(tmp_path: Path) -> None:
    root, later = example_folder(tmp_path / "a", normals=6, later=5)
    dataset = load_dataset("folder", root)
    assert [(s.category, s.split, s.label) for s in dataset] == [("cells", "train", 0)] * 6
    new = sorted(later.rglob("*.png"))
    assert [p.parent.name for p in new] == ["defective"] * 5 + ["good"] * 5
    assert len({sha256_of(p) for p in (*new, *(s.image for s in dataset))}) == 16
    again = load_dataset("folder", example_folder(tmp_path / "b", normals=6, later=5)[0])
    assert again.fingerprint() == dataset.fingerprint()


def test_a_folder_that_exists_and_too_many_cells_are_refused(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    with pytest.raises(InputError, match="exists already"):
        example_folder(tmp_path)
    with pytest.raises(InputError, match="470 normal mono cells"):
        example_folder(tmp_path / "new", normals=10_000)
