"""Receptive fields equal those of gradients, and covered patches act only inside them."""

import pytest
import torch
from torch import nn

from gradbook.analysis.receptive import (
    Convolution,
    Field,
    convolution_chains,
    influence,
    mirror_padding_changes,
    occlusion,
    receptive_field,
    share_by_side,
    side_of_share,
)
from gradlib.errors import InputError
from gradlib.features.backbones import Backbone, load_backbone

LITE = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return load_backbone(LITE, pretrained=False)


@pytest.mark.parametrize("before", [0, 1, 2])
def test_field_is_where_the_gradient_is_not_zero(before: int) -> None:
    steps = [Convolution(3, 2, before), Convolution(5, 1, 2), Convolution(5, 2, 1)]
    chain = nn.Sequential()
    for kernel, step, zeros in steps:
        chain.extend([nn.ConstantPad1d((zeros, 4), 0.0), nn.Conv1d(1, 1, kernel, step)])
    signal = torch.ones(1, 1, 120, requires_grad=True)
    chain(signal)[0, 0, 12].backward()
    seen = signal.grad[0, 0].nonzero().flatten()
    field = receptive_field(steps)
    assert (seen.min(), seen.max()) == field.window(12)
    assert field.stride == 4


@pytest.mark.parametrize(("stage", "size", "place"), [(0, 256, 16), (1, 384, 12)])
def test_field_of_a_backbone_is_where_the_gradient_is_not_zero(
    lite0: Backbone, stage: int, size: int, place: int
) -> None:
    field = receptive_field(convolution_chains(lite0, size)[stage])
    image = torch.randn(3, size, size, generator=torch.Generator().manual_seed(1))
    seen = influence(lite0, image, stage, (place, place), probes=1) > 0
    for axis in (0, 1):
        pixels = seen.any(dim=axis).nonzero().flatten()
        first, last = field.window(place)
        assert (pixels.min(), pixels.max()) == (max(first, 0), min(last, size - 1))


def test_padding_follows_the_size_of_the_image(lite0: Backbone) -> None:
    fields = {size: [receptive_field(chain) for chain in convolution_chains(lite0, size)] for size in (224, 380)}
    assert fields[224] == [Field(67, 8, 7.0), Field(339, 16, 15.0)]
    assert fields[380] == [Field(67, 8, 3.0), Field(339, 16, 11.0)]


def test_correction_of_b4_looks_four_pixels_earlier() -> None:
    name = "tf_efficientnet_b4.aa_in1k"
    fixed, unfixed = (load_backbone(name, pretrained=False, b4_padding_fix=fix) for fix in (True, False))
    for one, other in zip(convolution_chains(fixed, 224), convolution_chains(unfixed, 224), strict=True):
        assert receptive_field(other).centre - receptive_field(one).centre == 4


def test_networks_that_are_not_a_chain_are_refused() -> None:
    with pytest.raises(InputError, match="test_resnet is not a chain"):
        convolution_chains(load_backbone("test_resnet", pretrained=False), 64)


def test_shares_of_weight_in_squares() -> None:
    weights = torch.zeros(9, 9)
    weights[4, 4], weights[4, 6], weights[0, 4] = 2, 1, 1
    assert share_by_side(weights, (4, 4)).tolist() == [0.5, 0.5, 0.75, 0.75, 1.0]
    assert [side_of_share(weights, (4, 4), share) for share in (0.4, 0.6, 0.9)] == [1, 5, 9]
    assert share_by_side(weights, (0, 0)).tolist()[-1] == 1


def test_covered_patches_act_only_inside_the_window(lite0: Backbone) -> None:
    image = torch.randn(3, 128, 128, generator=torch.Generator().manual_seed(2))
    std = torch.full((lite0.channels,), 2.0)
    changes = occlusion(lite0, image, std, patch=16, map_size=8)
    assert changes.shape == (2, 8, 8, 8, 8)
    covered = image.clone()
    covered[:, 32:48, 16:32] = image.mean(dim=(1, 2))[:, None, None]
    x, y = lite0.features(image[None], 8), lite0.features(covered[None], 8)
    expected = ((y - x) / 2)[0, :40].square().mean(dim=0).sqrt()
    torch.testing.assert_close(changes[0, 2, 1], expected, rtol=1e-3, atol=1e-5)
    assert changes[0, 0, 0, -1, -1] < 1e-5
    with pytest.raises(InputError, match="do not tile"):
        occlusion(lite0, image, std, patch=9)


def test_mirror_padding_changes_only_the_border(lite0: Backbone) -> None:
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(3))
    near, far = mirror_padding_changes(lite0, images, 48)
    assert (near.shape, far.shape) == ((1, 40, 28, 28), (1, 112, 14, 14))
    assert near[:, :, 4:23, 4:23].abs().max() < 1e-3 * near.abs().max()
    assert near[:, :, 0].abs().max() > 0.1 * near.abs().max()
