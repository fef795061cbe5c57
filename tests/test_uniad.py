"""UniAD: what its attention may see, its jitter, its counts, and that the common loop trains, resumes and scores it."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gradbook.study.methods.uniad import (
    Layer,
    UniAD,
    UniadConfig,
    feature_jitter,
    global_randomness_from,
    neighbour_mask,
)
from gradlib.config import TrainConfig
from gradlib.errors import InputError
from gradlib.fabric import make_fabric
from gradlib.inference import distances
from gradlib.train import fit

# with fewer channels the same alpha is more noise for the same signal: 4 here is 20 at 272 channels
SMALL = UniadConfig(
    channels=12, map_size=(5, 6), hidden=16, feedforward=32, heads=4, layers=2, neighbour=3, jitter_scale=4.0
)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return UniAD(SMALL).eval()


@pytest.fixture(scope="module")
def fabric():
    return make_fabric("cpu")


def structured(n=24, seed=0):
    """Features (n, 12, 5, 6) of two classes in turn: each has its pattern, and each image a little of its own."""
    classes = torch.randn(2, 12, 5, 6, generator=torch.Generator().manual_seed(99))
    noise = torch.randn(n, 12, 5, 6, generator=torch.Generator().manual_seed(seed))
    return classes[torch.arange(n) % 2] + 0.2 * noise


def trained(fabric, train_config, **options):
    torch.manual_seed(1)
    model = UniAD(SMALL)
    return model, fit(model, structured(), train_config, fabric=fabric, **options)


def assert_same_weights(a, b):
    for (name, x), (_, y) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
        assert torch.equal(x, y), name


@pytest.mark.parametrize(("H", "W", "n"), [(14, 14, 7), (5, 6, 3), (4, 7, 5), (3, 3, 1), (3, 4, 0)])
def test_neighbour_mask_is_the_window_around_each_token(H, W, n):
    mask = neighbour_mask(H, W, n)
    for i in range(H * W):
        for j in range(H * W):
            rows, columns = abs(i // W - j // W), abs(i % W - j % W)
            assert mask[i, j].item() == (n > 0 and rows <= n // 2 and columns <= n // 2)


@pytest.mark.parametrize("n", [2, -1, 7])
def test_a_neighbourhood_that_is_even_negative_or_all_there_is_is_refused(n):
    with pytest.raises(InputError, match="neighbourhood"):
        neighbour_mask(7, 7, n)


def jacobian(output, tokens):
    """|d output_i / d tokens_j| summed over channels: (N, N), for output and tokens (1, N, D)."""
    rows = [torch.autograd.grad(output[0, i].sum(), tokens, retain_graph=True)[0][0] for i in range(output.shape[1])]
    return torch.stack(rows).abs().sum(dim=2)


def test_a_decoder_layer_cannot_copy_what_it_reconstructs_nor_its_neighbours():
    torch.manual_seed(0)
    layer, mask = Layer(SMALL, attentions=2).eval(), neighbour_mask(5, 6, 3)
    query, tokens = torch.randn(1, 30, 16), torch.randn(1, 30, 16, requires_grad=True)
    out = layer(query, [tokens, tokens], torch.randn(30, 16), mask)
    influence = jacobian(out * torch.randn(16), tokens)
    assert (influence[mask] == 0).all()
    assert (influence[~mask] > 0).all()


def test_an_encoder_attention_cannot_copy_its_token_but_the_shortcut_around_it_can():
    torch.manual_seed(0)
    layer, mask = Layer(SMALL, attentions=1).eval(), neighbour_mask(5, 6, 3)
    tokens, weight = torch.randn(1, 30, 16, requires_grad=True), torch.randn(16)
    seen, _ = layer.attentions[0](tokens.detach(), tokens, tokens, attn_mask=mask, need_weights=False)
    assert (jacobian(seen * weight, tokens)[mask] == 0).all()
    whole = jacobian(layer(tokens, [tokens], torch.randn(30, 16), mask) * weight, tokens)
    assert (whole.diagonal() > 0).all()
    assert (whole[mask & ~torch.eye(30, dtype=torch.bool)] == 0).all()


def test_without_a_neighbourhood_attention_sees_every_token():
    torch.manual_seed(0)
    layer = Layer(SMALL, attentions=2).eval()
    tokens = torch.randn(1, 30, 16, requires_grad=True)
    out = layer(torch.randn(1, 30, 16), [tokens, tokens], torch.randn(30, 16), neighbour_mask(5, 6, 0))
    assert (jacobian(out * torch.randn(16), tokens) > 0).all()


def test_jitter_has_twenty_times_the_tokens_length_over_its_channels():
    tokens = torch.randn(4, 9, 1, generator=torch.Generator().manual_seed(1)).expand(4, 9, 20000)
    noise = feature_jitter(tokens, scale=20.0, probability=1.0, generator=torch.Generator().manual_seed(0)) - tokens
    expected = 20 * tokens.norm(dim=2) / 20000
    torch.testing.assert_close(noise.std(dim=2), expected, rtol=0.03, atol=0)
    assert (noise.mean(dim=2) / expected).abs().max() < 0.04


def test_jitter_touches_the_stated_share_of_images_and_all_of_each():
    tokens = torch.ones(2000, 2, 3)
    moved = feature_jitter(tokens, scale=1.0, probability=0.3, generator=torch.Generator().manual_seed(0)) != tokens
    assert moved.all(dim=(1, 2)).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(moved.all(dim=(1, 2)), moved.any(dim=2).any(dim=1))


def test_shapes_and_error(small):
    x = torch.randn(2, 12, 5, 6)
    out = small(x)
    assert out.reconstruction.shape == x.shape
    assert out.error.shape == (2, 5, 6)
    torch.testing.assert_close(out.features, x, atol=0, rtol=0)
    assert out.error[1, 2, 3].item() == pytest.approx((x - out.reconstruction)[1, :, 2, 3].norm().item())


def test_evaluation_is_deterministic_and_training_follows_the_generator(small):
    x = torch.randn(2, 12, 5, 6)
    torch.testing.assert_close(small(x).reconstruction, small(x).reconstruction, atol=0, rtol=0)
    for config in (SMALL, replace(SMALL, jitter_scale=0.0)):  # the second: dropout alone
        torch.manual_seed(0)
        model = UniAD(config).train()
        first, again, other = (model(x, generator=torch.Generator().manual_seed(s)).reconstruction for s in (0, 0, 1))
        torch.testing.assert_close(first, again, atol=0, rtol=0)
        assert not torch.equal(first, other)
    assert torch.equal(model(x).features, x)


def test_the_global_random_state_is_left_as_it_was():
    before = torch.get_rng_state()
    with global_randomness_from(torch.Generator().manual_seed(0), torch.device("cpu"), 0):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with global_randomness_from(torch.Generator().manual_seed(0), torch.device("cpu"), 0):
        assert torch.equal(torch.rand(3), first)


def test_every_parameter_receives_a_gradient_and_is_in_the_first_group(small):
    out = small.train()(structured(3))
    F.mse_loss(out.reconstruction, out.features).backward()
    without = [name for name, p in small.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert without == []
    (group,) = small.parameter_groups(TrainConfig(lr_nets=1e-3))
    assert {id(p) for p in group["params"]} == {id(p) for p in small.parameters()}
    assert group["lr"] == 1e-3


def test_the_paper_s_head_has_the_measured_counts():
    model = UniAD(UniadConfig()).eval()
    # the counter does not know the CPU's fused attention; spelt out as matrix products it does
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        model(torch.zeros(1, 272, 14, 14))
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(7.717e6, rel=1e-3)
    assert counter.get_total_flops() == pytest.approx(3.40e9, rel=5e-3)


def test_the_common_loop_lowers_the_loss_and_a_turned_token_stands_out(fabric):
    model, log = trained(fabric, TrainConfig(epochs=40, batch_size=8, lr_nets=1e-2))
    assert log.losses[-1] < 0.5 * log.losses[0]
    normal = structured(8, seed=5)
    turned = normal.clone()
    turned[:, :, 2, 3] *= -1
    d, d_turned = (distances(model, x) for x in (normal, turned))
    assert d.shape == (8, 5, 6)
    assert d_turned[:, 2, 3].mean() > 1.2 * d[:, 2, 3].mean()


def test_the_same_seed_gives_the_same_weights_and_a_killed_run_ends_alike(fabric, tmp_path):
    def stop(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    config, state = TrainConfig(epochs=4, batch_size=8, clip_norm=0.1), tmp_path / "state.safetensors"
    whole, log = trained(fabric, config)
    torch.rand(7)  # torch's global random state must not matter
    again, _ = trained(fabric, config)
    assert_same_weights(whole, again)
    other, _ = trained(fabric, replace(config, seed=1))
    assert not torch.equal(whole.queries[0], other.queries[0])
    with pytest.raises(KeyboardInterrupt):
        trained(fabric, config, checkpoint=state, after_epoch=stop)
    resumed, resumed_log = trained(fabric, config, checkpoint=state)
    assert_same_weights(whole, resumed)
    assert log.losses == resumed_log.losses


def test_standardised_features_are_measured_in_the_normals_spread(small):
    x = 3 + 5 * torch.randn(64, 12, 5, 6)
    x[:, 0] = 3
    small = UniAD(replace(small.config, standardise=True)).eval()
    small.prepare(x)
    out = small(x)
    assert out.features[:, 1:].std(dim=(0, 2, 3)).sub(1).abs().max() < 1e-3
    assert out.error.isfinite().all()


def test_bfloat16_autocast_returns_float32(small):
    x = torch.randn(2, 12, 5, 6)
    with torch.autocast("cpu", torch.bfloat16):
        out = small(x)
    assert out.reconstruction.dtype == torch.float32
    torch.testing.assert_close(out.reconstruction, small(x).reconstruction, atol=0.1, rtol=0.1)


def test_features_of_another_shape_are_refused(small):
    with pytest.raises(InputError, match="check backbone and map size"):
        small(torch.zeros(1, 12, 6, 5))


@pytest.mark.parametrize("hidden", [15, 18])
def test_a_width_that_does_not_split_is_refused(hidden):
    with pytest.raises(InputError, match="4 heads"):
        replace(SMALL, hidden=hidden)


def test_a_configuration_survives_its_dictionary_and_refuses_unknown_fields():
    assert UniadConfig.from_dict(SMALL.to_dict()) == SMALL
    with pytest.raises(InputError, match="colour"):
        UniadConfig.from_dict({**SMALL.to_dict(), "colour": 1})
