"""Files of the feature cache are complete or absent after damage, a full disk, a kill, or two builders at once."""

import json
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gradlib.data.samples import Sample
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, load_backbone
from gradlib.features.cache import FeatureCache
from test_cache import IMAGE_SIZE, MAP_SIZE, Counting, cached, direct, everything, job, six_samples

# Another process that caches the category gear, step by step, in folders whose names it reads from its input.
BUILDER = """
import sys
from pathlib import Path
from gradlib.features.backbones import load_backbone
from gradlib.features.cache import cached_features
from gradlib.data.mvtec import read_mvtec

root, image_size, map_size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
backbone = load_backbone("test_resnet", pretrained=False)
compute = backbone.features

def features(images, map_size):
    print("computing", flush=True)  # the test now knows where this process is
    sys.stdin.readline()            # and says when to go on
    return compute(images, map_size)

backbone.features = features
train = read_mvtec(root, ["gear"]).select(split="train")
for line in iter(sys.stdin.readline, ""):
    folder = Path(line.strip())
    cached_features(train, backbone, image_size=image_size, map_size=map_size, batch_size=2, folder=folder)
    print("built", flush=True)
"""


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("test_resnet", pretrained=False)


@pytest.fixture
def counting(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(backbone, monkeypatch)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return six_samples(tmp_path_factory.mktemp("images"))


@pytest.mark.parametrize("damage", ["cut", "longer", "no sidecar", "bad sidecar", "other sidecar", "other array"])
def test_damaged_cache_files_are_built_anew(
    damage: str, samples: list[Sample], backbone: Backbone, counting: Counting, tmp_path: Path
) -> None:
    features = everything(cached(samples[:1], backbone, tmp_path))
    (file,), (sidecar,) = tmp_path.glob("*.npy"), tmp_path.glob("*.json")
    content = file.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(content[:-1])
        case "longer":
            file.write_bytes(content + b"\0")
        case "no sidecar":
            sidecar.unlink()
        case "bad sidecar":
            sidecar.write_text("{")
        case "other sidecar":
            sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"map_size": 5}))
        case "other array":
            np.save(file, np.frombuffer(content[128:], np.float32))
    assert torch.equal(everything(cached(samples[:1], backbone, tmp_path)), features)
    assert counting.images == 2


@pytest.mark.parametrize("where", ["pre-check", "while writing"])
def test_full_disk_is_reported_with_folder_sizes_and_remedy_and_leaves_nothing(
    where: str, samples: list[Sample], backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nuts = [sample for sample in samples if sample.category == "nut"]
    size = 3 * backbone.channels * MAP_SIZE**2 * 4
    if where == "pre-check":
        usage = namedtuple("usage", "total used free")(10**6, 10**6 - 1234, 1234)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    else:
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        (tmp_path / f"{job(nuts, backbone).key}.part").symlink_to("/dev/full")  # every write to it: no space left
    with pytest.raises(InputError, match=rf"need {size:,} bytes in {tmp_path}, where [\d,]+ are free.*GRAD_CACHE"):
        cached(nuts, backbone, tmp_path)
    assert not [file for file in tmp_path.iterdir() if file.suffix != ".lock"]


def test_folder_that_cannot_be_written_is_reported_with_the_remedy(
    samples: list[Sample], backbone: Backbone, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=f"cannot be stored in {tmp_path / 'file' / 'cache'}.*GRAD_CACHE"):
        cached(samples, backbone, tmp_path / "file" / "cache")


@pytest.fixture
def builder(samples: list[Sample]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDER, samples[0].image.parents[3], str(IMAGE_SIZE), str(MAP_SIZE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    yield process
    process.kill()
    process.communicate()


def gears(samples: list[Sample]) -> list[Sample]:
    folder = samples[0].image.parent
    return [replace(samples[0], image=folder / f"{index:03d}.png") for index in range(4)]


def tell(process: subprocess.Popen[str], line: str) -> str:
    """Send a line and return what the process says next."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    return process.stdout.readline().strip()


def test_of_two_processes_one_builds_and_the_other_waits_and_reads(
    samples: list[Sample], backbone: Backbone, counting: Counting, builder: subprocess.Popen[str], tmp_path: Path
) -> None:
    expected = direct(gears(samples), backbone)
    counting.images = 0
    assert tell(builder, str(tmp_path)) == "computing"
    results: list[FeatureCache] = []
    waiting = threading.Thread(target=lambda: results.append(cached(gears(samples), backbone, tmp_path)), daemon=True)
    waiting.start()
    waiting.join(timeout=0.5)
    assert waiting.is_alive()
    assert tell(builder, "go on") == "computing"
    assert tell(builder, "go on") == "built"
    waiting.join(timeout=30)
    torch.testing.assert_close(everything(results[0]), expected, rtol=1e-4, atol=1e-5)
    assert counting.images == 0
    assert not list(tmp_path.glob("*.part"))


def test_files_of_a_killed_builder_are_never_read(
    samples: list[Sample], backbone: Backbone, counting: Counting, builder: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert tell(builder, str(tmp_path)) == "computing"
    assert tell(builder, "go on") == "computing"  # the first batch is on disk
    builder.kill()
    builder.wait()
    (part,) = tmp_path.glob("*.part")
    assert part.stat().st_size > 0
    cache = cached(gears(samples), backbone, tmp_path)
    assert counting.images == 4
    torch.testing.assert_close(everything(cache), direct(gears(samples), backbone), rtol=1e-4, atol=1e-5)
    assert not list(tmp_path.glob("*.part"))
