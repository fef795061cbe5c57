"""VisA's reader: its split file, released counts, and one sentence for each file that it cannot use."""

from collections import Counter
from pathlib import Path

import pytest

from conftest import save
from gradlib.data import visa
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from readers import GREY, counts

pytestmark = pytest.mark.filterwarnings("error")  # a reader warns only where a test expects it


@pytest.fixture
def tiny_visa(tmp_path: Path) -> Path:
    """VisA's layout with one class of its own name and one of ours, 3 images each."""
    rows = ["object,split,label,image,mask"]
    for name in ("board", "widget"):
        for split, kind, number in (
            ("train", "Normal", "0000"),
            ("test", "Normal", "0001"),
            ("test", "Anomaly", "000"),
        ):
            image, mask = f"{name}/Data/Images/{kind}/{number}.JPG", ""
            save(GREY, tmp_path / image)
            if kind == "Anomaly":
                mask = f"{name}/Data/Masks/Anomaly/{number}.png"
                save(GREY, tmp_path / mask)
            rows.append(f"{name},{split},{kind.lower()},{image},{mask}")
    (tmp_path / "split_csv").mkdir()
    (tmp_path / visa.SPLIT_FILE).write_text("\n".join(rows) + "\n")
    return tmp_path


def edit(root: Path, old: str, new: str) -> None:
    file = root / visa.SPLIT_FILE
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_released_visa_counts_add_up_to_the_published_totals():
    assert len(visa.RELEASED_COUNTS) == 12
    assert tuple(map(sum, zip(*visa.RELEASED_COUNTS.values(), strict=True))) == (8659, 962, 1200)


def test_visa_follows_its_split_file(tiny_visa):
    dataset = load_dataset("visa", tiny_visa, ["widget"])
    assert counts(dataset) == Counter({("widget", "train", 0): 1, ("widget", "test", 0): 1, ("widget", "test", 1): 1})
    assert dataset[1].mask == tiny_visa / "widget/Data/Masks/Anomaly/000.png"
    assert [sample.defect for sample in dataset] == ["good", "anomaly", "good"]


def test_partial_released_visa_category_is_read_with_a_warning(tiny_visa):
    (tiny_visa / "board").rename(tiny_visa / "candle")
    edit(tiny_visa, "board", "candle")
    with pytest.warns(UserWarning, match="'candle'.* 1 training, 1 normal test, 1 anomalous .* 900, 100, 100"):
        load_dataset("visa", tiny_visa)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("image,mask", "picture,mask", "should have rows with the columns object,split,label,image,mask"),
        ("widget,train,normal", "widget,training,normal", "split 'training'"),
        ("widget/Data/Masks/Anomaly/000.png", "", "no mask"),
        ("widget/Data/Images/Normal/0001.JPG", "widget/gone.JPG", "gone.JPG does not exist"),
        ("widget,train,", "widget,test,", "'widget' has no normal training images"),
        (",widget/Data/Images/Normal/0001.JPG,", "", "ends too early, 'widget,test,normal'"),
    ],
)
def test_unusable_visa_split_file_is_refused_with_one_sentence(tiny_visa, old, new, sentence):
    edit(tiny_visa, old, new)
    with pytest.raises(InputError, match=sentence):
        load_dataset("visa", tiny_visa)


def test_visa_without_split_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"1cls\.csv does not exist"):
        load_dataset("visa", tmp_path)
