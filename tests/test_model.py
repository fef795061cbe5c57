"""The model's parts against their equations, and the presets against their stated sizes."""

from dataclasses import replace
from typing import Literal, get_origin, get_type_hints

import pytest
import torch
from torch.nn import functional as F

from gradbook.study.model_counts import count_model
from gradlib.config import GradConfig, TrainConfig
from gradlib.coordinates import jitter
from gradlib.errors import InputError
from gradlib.fusion import fusion_network
from gradlib.model import GRAD
from gradlib.presets import PRESETS, preset_config
from gradlib.refinement import refine, similarity

SMALL = GradConfig(channels=12, map_size=(6, 7), blocks=1, width=24, mse_threshold=1.5)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return GRAD(SMALL).eval()


def test_similarity_is_equation_6_pixel_by_pixel():
    x, f_n = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4)
    S = similarity(x, f_n, mse_threshold=2.0, lambda_mse=0.3, lambda_cos=0.7)
    for b, h, w in [(0, 0, 0), (1, 2, 3), (0, 1, 2)]:
        a, c = x[b, :, h, w], f_n[b, :, h, w]
        near = float(((a - c) ** 2).mean() < 2.0)
        assert S[b, h, w].item() == pytest.approx(0.3 * near + 0.7 * F.cosine_similarity(a, c, dim=0).item(), abs=1e-6)


def test_refinement_only_reweighs_the_error(small):
    x = torch.randn(2, 12, 6, 7)
    out = small(x)
    left = out.features - out.reconstruction
    right = (1 - out.similarity)[:, None] * (out.features - out.normal)
    torch.testing.assert_close(left, right, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        out.error, (1 - out.similarity).abs() * (x - out.normal).norm(dim=1), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(refine(x, x, out.similarity), x)


def test_jitter_moves_the_stated_fraction_of_pixels_by_the_stated_amount():
    generator = torch.Generator().manual_seed(1)
    c = torch.zeros(8, 2, 64, 64)
    noise = jitter(c, std=0.05, fraction=0.5, generator=generator)
    moved = (noise != 0).any(dim=1)
    assert moved.float().mean().item() == pytest.approx(0.5, abs=0.01)
    assert noise.movedim(1, -1)[moved].std().item() == pytest.approx(0.05, rel=0.02)
    assert noise.mean().item() == pytest.approx(0, abs=1e-3)


def test_jitter_per_batch_moves_all_pixels_or_none():
    generator = torch.Generator().manual_seed(0)
    c = torch.zeros(2, 2, 5, 5)
    moved = [(jitter(c, per="batch", generator=generator) != 0).float().mean().item() for _ in range(64)]
    assert set(moved) == {0.0, 1.0}
    assert 16 < sum(moved) < 48


def test_jitter_of_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match='"pixel"'):
        jitter(torch.zeros(1, 2, 3, 3), per="image")


def test_jitter_acts_in_training_only_and_leaves_the_reported_coordinates(small):
    x = torch.randn(2, 12, 6, 7)
    torch.testing.assert_close(small(x).normal, small(x).normal, atol=0, rtol=0)
    for module in small.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    small.train()
    first = small(x, generator=torch.Generator().manual_seed(0))
    again = small(x, generator=torch.Generator().manual_seed(0))
    other = small(x, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(first.normal, again.normal, atol=0, rtol=0)
    assert not torch.equal(first.normal, other.normal)
    torch.testing.assert_close(first.local_coordinates, other.local_coordinates, atol=0, rtol=0)


def test_every_parameter_receives_a_gradient(small):
    small.train()
    out = small(torch.randn(3, 12, 6, 7))
    F.mse_loss(out.reconstruction, out.features).backward()
    without = [name for name, p in small.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert without == []


def test_parameter_groups_hold_every_parameter_once_and_the_grids_apart(small):
    nets, grids = small.parameter_groups(TrainConfig())
    assert (nets["lr"], grids["lr"]) == (1e-3, 1e-1)
    assert {id(p) for p in grids["params"]} == {id(small.G_l.G), id(small.G_g.G)}
    both = [id(p) for p in nets["params"] + grids["params"]]
    assert sorted(both) == sorted(id(p) for p in small.parameters())


def test_standardised_features_are_measured_in_the_normals_spread(small):
    x = 3 + 5 * torch.randn(64, 12, 6, 7)
    small = GRAD(replace(SMALL, standardise=True))
    small.prepare(x)
    features = small(x).features
    assert features.mean().item() == pytest.approx(0, abs=1e-4)
    assert features.std(dim=(0, 2, 3)).sub(1).abs().max() < 1e-3


def test_a_constant_channel_does_not_divide_by_zero(small):
    x = torch.randn(8, 12, 6, 7)
    x[:, 0] = 3.0
    small = GRAD(replace(SMALL, standardise=True))
    small.prepare(x)
    assert small.eval()(x).error.isfinite().all()


def test_coordinates_stay_in_float32_under_autocast(small):
    x = torch.randn(2, 12, 6, 7)
    with torch.autocast("cpu", torch.bfloat16):
        out = small(x)
    plain = small(x)
    torch.testing.assert_close(out.local_coordinates, plain.local_coordinates, atol=0, rtol=0)
    assert out.reconstruction.dtype == torch.float32


def test_features_of_another_shape_are_refused(small):
    with pytest.raises(InputError, match="check backbone and map size"):
        small(torch.zeros(1, 12, 7, 6))


@pytest.mark.parametrize("D", [1, 2, 3])
def test_grids_of_one_two_and_three_dimensions_train(D):
    config = GradConfig(channels=6, map_size=(4, 4), local_dim=D, global_dim=4 - D, blocks=1, width=12, fusion="slim")
    model = GRAD(config)
    out = model(torch.randn(2, 6, 4, 4))
    assert out.local_coordinates.shape == (2, D, 4, 4)
    assert out.global_coordinates.shape == (2, 4 - D)
    out.error.sum().backward()
    assert model.G_l.G.grad.abs().sum() > 0


# parameters and FLOPs (2 x multiply-add), measured on the released modules and in the search for Table 6
@pytest.mark.parametrize(
    ("preset", "parameters", "flops"),
    [
        ("grad", 26.438e6, 37.09e9),
        ("crad", 15.361e6, 13.24e9),
        ("crad-s", 5.261e6, 3.47e9),
        ("table6", 13.84e6, 17.34e9),
    ],
)
def test_presets_have_the_true_counts(preset, parameters, flops):
    config = preset_config(preset, (216, 28, 28))
    counted = count_model(GRAD(config))
    assert counted.parameters == pytest.approx(parameters, rel=5e-4)
    assert counted.flops == pytest.approx(flops, rel=2e-3)


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(InputError, match="table6"):
        preset_config("gradd", (216, 28, 28))
    assert set(PRESETS) == {"grad", "crad", "crad-s", "table6", "lite"}


def test_an_unknown_fusion_is_refused():
    with pytest.raises(InputError, match="slim"):
        fusion_network("dense", 8, blocks=1, width=8)


def test_a_configuration_survives_its_dictionary_and_refuses_unknown_fields():
    assert GradConfig.from_dict(SMALL.to_dict()) == SMALL
    with pytest.raises(InputError, match="colour"):
        GradConfig.from_dict({**SMALL.to_dict(), "colour": 1})


CHOICES = ("local_memory", "global_memory", "memory_start", "fusion", "jitter_per", "padding_mode", "concat")


@pytest.mark.parametrize("name", CHOICES)
def test_every_field_with_choices_refuses_others(name: str) -> None:
    with pytest.raises(InputError, match=f'{name} = "sideways" is unknown: choose one of "'):
        replace(SMALL, **{name: "sideways"})
    literal = {field for field, hint in get_type_hints(GradConfig).items() if get_origin(hint) is Literal}
    assert literal == set(CHOICES)


def test_a_model_without_any_memory_is_refused() -> None:
    with pytest.raises(InputError, match="choose at least one memory"):
        replace(SMALL, local_memory="none", global_memory="none")


def test_a_reader_s_own_loop_cannot_train_on_raw_features_in_silence() -> None:
    x = 3 + 5 * torch.randn(16, 12, 6, 7)
    for asks in ({"standardise": True}, {"memory_start": "features"}):
        model = GRAD(replace(SMALL, **asks)).train()
        with pytest.raises(InputError, match=r"call model\.prepare\(features\)"):
            model(x)
        model.prepare(x)
        assert model(x).loss.isfinite()
        loaded = GRAD(replace(SMALL, **asks)).train()
        loaded.load_state_dict(model.state_dict())
        torch.testing.assert_close(loaded(x).features, model(x).features)


def test_preparing_changes_nothing_that_was_not_asked_for() -> None:
    model, x = GRAD(SMALL), 3 + 5 * torch.randn(16, 12, 6, 7)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.prepare(x)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_loss_is_equation_7(small):
    out = small(torch.randn(2, 12, 6, 7))
    torch.testing.assert_close(out.loss, (out.reconstruction - out.features).square().mean())
