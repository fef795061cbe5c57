"""Every public name is used in a chapter and tested; the ones that no other test names are tested here."""

import importlib
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from gradbook.analysis.protocol_switches import Reading, enlarging
from gradbook.page import percent
from gradbook.paths import repository
from gradbook.study.experiment import Experiment
from gradbook.study.methods.anomalib_peers import CORESET, drawn
from gradbook.study.methods.dispatch import new_model
from gradbook.study.run_tables import HEADINGS, source_of
from gradbook.study.statistics import defect_auroc, patch_error_ratio, read_group, same_images
from gradlib.config import TrainConfig
from gradlib.coordinates import GlobalCoordinates, LocalCoordinates
from gradlib.data.folder import read_folder
from gradlib.data.layout import IMAGE_SUFFIXES
from gradlib.data.readers import load_dataset
from gradlib.data.samples import Sample
from gradlib.data.visa import read_visa
from gradlib.deploy.decoder import BLACK, SCALE, WHITE, Decoder
from gradlib.errors import InputError
from gradlib.fusion import BasicBlock
from gradlib.memories import AttentionMemory, start_from_features
from gradlib.metrics.evaluation import METRIC_NAMES, masks_of
from gradlib.model import GRAD
from gradlib.presets import PRESETS, preset_config, preset_training
from gradlib.seeds import epoch_generator
from gradlib.train import fit, make_fabric, train_epoch
from pages import cells
from test_reference import MODULES

LONGEST = 300  # lines of a file
QUOTED = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
PUBLIC = {(module, name) for module in MODULES for name in getattr(importlib.import_module(module), "__all__", ())}


def words(texts: list[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"\w+", text)}


def test_every_module_says_what_is_public() -> None:
    packages = {"gradlib.data", "gradbook.living"}
    without = [m for m in MODULES if m not in packages and not hasattr(importlib.import_module(m), "__all__")]
    assert not without
    for module, name in PUBLIC:
        assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"


def test_every_public_name_is_in_a_chapter() -> None:
    texts = [("".join(cell["source"]), cell["cell_type"]) for cell in cells()]
    shown = words([text if kind == "code" else " ".join(QUOTED.findall(text)) for text, kind in texts])
    assert not {f"{module}.{name}" for module, name in PUBLIC if name not in shown}


def test_every_public_name_is_in_a_test() -> None:
    tested = words([path.read_text(encoding="utf8") for path in (repository() / "tests").glob("*.py")])
    assert not {f"{module}.{name}" for module, name in PUBLIC if name not in tested}


def test_no_file_is_long() -> None:
    root = repository()
    files = [f for folder in ("gradlib", "tests", "book/_ext") for f in (root / folder).rglob("*.py")]
    files += (root / "gradlib").rglob("*.js")
    assert len(files) > 150
    assert not {f.name: n for f in files if (n := len(f.read_text(encoding="utf8").splitlines())) > LONGEST}


def test_a_chapter_imports_public_names_alone() -> None:
    pattern = re.compile(r"^from (gradlib[\w.]*) import (?:\(([^)]*)\)|(.*))$", re.MULTILINE)
    code = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    for module, inside, line in (found for text in code for found in pattern.findall(text)):
        names = [name.split(" as ")[0].strip() for name in (inside or line.split("#")[0]).split(",") if name.strip()]
        offered = getattr(importlib.import_module(module), "__all__", None)
        names = [name for name in names if f"{module}.{name}" not in MODULES]
        assert offered is None or set(names) <= set(offered), f"{module}: {names}"


def test_coordinates_lie_between_minus_one_and_one() -> None:
    x = 50 * torch.randn(3, 6, 4, 5)
    local, whole = LocalCoordinates(6, 2)(x), GlobalCoordinates(6, 3)(x)
    assert (local.shape, whole.shape) == ((3, 2, 4, 5), (3, 3))
    assert max(local.abs().max(), whole.abs().max()) <= 1


def test_a_basic_block_is_two_convolutions_around_a_shortcut() -> None:
    block, f = BasicBlock(4, 4).eval(), torch.randn(2, 4, 5, 5)
    one = F.relu(block.bn1(block.conv1(f)))
    torch.testing.assert_close(block(f), F.relu(block.bn2(block.conv2(one)) + f))
    assert isinstance(BasicBlock(4, 6).shortcut, nn.Conv2d)


def test_memories_start_from_features_in_their_order() -> None:
    memory, features = AttentionMemory(3, (4, 1, 1)), torch.randn(3, 4, 1, 1)
    before = memory.entries.detach().clone()
    with torch.no_grad():
        start_from_features(memory, features)
    torch.testing.assert_close(memory.entries.detach() - before, features.reshape(before.shape))


def test_a_new_model_depends_on_the_seed_alone() -> None:
    class Maps:
        channels, shape = 6, (5, 6, 14, 14)

        def __len__(self) -> int:
            return 5

        def __getitem__(self, index: torch.Tensor) -> torch.Tensor:
            return torch.ones(len(index), 6, 14, 14) * torch.arange(len(index))[:, None, None, None]

    torch.manual_seed(5)
    models = [new_model(Experiment(seed=seed), Maps()) for seed in (0, 0, 1)]
    weights = [torch.cat([p.detach().flatten() for p in model.parameters()]) for model in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_masks_of_a_class_without_any_are_none(tmp_path) -> None:
    defective = Sample(tmp_path / "a.png", "nut", "test", 1, "bent", None)
    assert masks_of([defective], 8) is None


def test_the_ledger_s_readings_of_kept_evidence() -> None:
    kept = {"defects": [["good", 2], ["bent", 1], ["cut", 1]], "scores": "1 2 3 1.5", "labels": "0011"}
    kept["patch_error"] = {"anomalous": 3.0, "normal": 1.5}
    records = [{"classes": {"nut": {}}, "evidence": {"nut": kept}, "data": {"fingerprint": n}} for n in (1, 1)]
    found = defect_auroc(records, "nut")
    np.testing.assert_allclose(found["bent"], [1, 1])
    np.testing.assert_allclose(found["cut"], [0.5, 0.5])
    np.testing.assert_allclose(patch_error_ratio(records), [2, 2])
    kept["labels"] = "1111"
    assert np.isnan(defect_auroc(records, "nut")["cut"]).all()
    assert same_images(records)
    assert not same_images([*records, {"data": {"fingerprint": 2}}])


def test_presets_keep_their_schedule_but_the_epochs() -> None:
    assert preset_training("crad", epochs=3, seed=7).clip_norm == PRESETS["crad"].training.clip_norm
    assert (preset_training("crad", epochs=3, seed=7).epochs, preset_training("grad").epochs) == (3, 100)


@pytest.mark.parametrize("reading", [Reading(), Reading(unaligned=True), Reading(smooth=True)])
def test_enlarging_is_a_matrix_of_weights(reading: Reading) -> None:
    E = enlarging(4, 28, reading)
    assert E.shape == (28, 4)
    inside = E.sum(dim=1)[10:18]
    torch.testing.assert_close(inside, torch.ones_like(inside))


def test_a_table_s_source_is_one_sentence() -> None:
    record = next(iter(read_group("grad-pair")["unified"]))
    words = source_of([record])
    assert record["provenance"]["commit"][:9] in words
    assert "the last one kept" in words
    assert HEADINGS.keys() == set(METRIC_NAMES)


def test_decoded_pictures_have_the_map_s_places() -> None:
    assert Decoder(5)(torch.randn(2, 5, 3, 3)).shape == (2, 3, 3 * SCALE, 3 * SCALE)
    assert (BLACK, WHITE) == ((0, 0, 0), (1, 1, 1))


def test_each_reader_gives_what_load_dataset_gives(tmp_path) -> None:
    for suffix in IMAGE_SUFFIXES - {".webp"}:
        place = tmp_path / "train" / "good" / f"{suffix[1:]}{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(place)
    assert read_folder(tmp_path) == load_dataset("folder", tmp_path)
    with pytest.raises(InputError, match="split_csv"):
        read_visa(tmp_path)


def test_a_share_is_told_in_percent() -> None:
    assert (percent(0.12345), percent(1.0), percent(None)) == ("12.3", "100.0", "–")


def test_an_epoch_gives_its_mean_loss() -> None:
    fabric, x = make_fabric("cpu"), torch.randn(8, 4, 6, 6)
    model = GRAD(preset_config("lite", channels=4, map_size=(6, 6)))
    config = TrainConfig(epochs=1, batch_size=8)
    module, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=0.0))
    generator = epoch_generator(0, 0, "jitter 0")
    with torch.no_grad():
        out = model.train()(x[torch.randperm(8, generator=epoch_generator(0, 0, "order"))], generator=generator)
        expected = F.mse_loss(out.reconstruction, out.features)
    assert train_epoch(module, x, optimizer, config, 0, fabric) == pytest.approx(expected.item(), rel=1e-5)
    assert len(fit(model, x, config, fabric=fabric).losses) == 1


def test_as_many_patches_are_drawn_as_are_wanted_and_there() -> None:
    assert 0 < CORESET < 1
    assert [int(drawn(rows, 30).sum()) for rows in (100, 30, 10)] == [30, 30, 10]
