"""Discrete memories: what they return, what moves their entries, and that all kinds start alike."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from gradlib.config import GradConfig, TrainConfig
from gradlib.errors import InputError
from gradlib.memories import DECAY, FORGOTTEN, AttentionMemory, PerPatch, VectorQuantisation
from gradlib.model import GRAD
from gradlib.train import fit

SMALL = GradConfig(channels=6, map_size=(4, 4), fusion="slim", blocks=1, width=8, jitter_std=0.0)


def filled(kind, M, shape):
    memory = kind(M, shape)
    memory.entries.data.copy_(torch.randn(M, *shape))
    return memory


def test_quantisation_returns_the_nearest_entry_as_it_stands():
    memory = filled(VectorQuantisation, 7, (5, 1, 1)).eval()
    x = torch.randn(20, 5, 1, 1)
    for patch, found in zip(x, memory(x), strict=True):
        distances = [(patch - entry).square().sum() for entry in memory.entries]
        torch.testing.assert_close(found, memory.entries[int(torch.stack(distances).argmin())])


def test_an_image_is_found_by_its_mean_and_given_back_whole():
    memory = filled(VectorQuantisation, 3, (5, 4, 4)).eval()
    shuffled = memory.entries[1].flatten(1)[:, torch.randperm(16)].view(1, 5, 4, 4)
    torch.testing.assert_close(memory(shuffled)[0], memory.entries[1])


def test_quantised_entries_become_the_means_of_what_chose_them():
    memory = VectorQuantisation(2, (3, 1, 1))
    memory.entries.copy_(torch.tensor([[5.0, 0, 0], [-5, 0, 0]])[:, :, None, None])
    memory.total.copy_(memory.entries)
    centres = torch.tensor([[4.0, 1, 0], [-4, 0, 2]])
    generator = torch.Generator().manual_seed(0)
    for _ in range(800):
        side = torch.randint(2, (32,), generator=generator)
        memory((centres[side] + 0.1 * torch.randn(32, 3, generator=generator))[:, :, None, None])
    torch.testing.assert_close(memory.entries[:, :, 0, 0], centres, atol=0.05, rtol=0)


def test_one_step_of_quantisation_is_the_running_mean_of_its_source():
    memory = filled(VectorQuantisation, 1, (2, 1, 1))
    memory.total.copy_(memory.entries)
    before, x = memory.entries.clone(), torch.randn(4, 2, 1, 1)
    memory(x)
    expected = (DECAY * before[0] + (1 - DECAY) * x.sum(0)) / (DECAY + (1 - DECAY) * 4)
    torch.testing.assert_close(memory.entries[0], expected)


def test_a_quantised_entry_that_nothing_chooses_stays_where_it_was():
    memory = filled(VectorQuantisation, 2, (2, 1, 1))
    before, x = memory.entries.clone(), memory.entries[:1].clone()
    memory.total.copy_(memory.entries)
    for _ in range(11_000):  # 0.99^11,000 is below float32's smallest number
        memory(x)
    assert memory.count[1] < FORGOTTEN
    torch.testing.assert_close(memory.entries, before, rtol=1e-3, atol=1e-5)


def test_attention_mixes_entries_with_weights_that_sum_to_one():
    memory = filled(AttentionMemory, 9, (5, 2, 2)).eval()
    x = torch.randn(3, 5, 2, 2)
    weights = memory.weights(x)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    q, k = memory.query(x.mean((2, 3))), memory.key(memory.entries.mean((2, 3)))
    expected = F.scaled_dot_product_attention(q[None], k[None], memory.entries.flatten(1)[None])[0]
    torch.testing.assert_close(memory(x).flatten(1), expected)


def test_a_memory_of_patches_treats_each_place_alone():
    memory = PerPatch(filled(AttentionMemory, 4, (5, 1, 1))).eval()
    x = torch.randn(2, 5, 3, 4)
    torch.testing.assert_close(memory(x)[1, :, 2, 3], memory.memory(x[1:, :, 2:, 3:])[0, :, 0, 0])


@pytest.mark.parametrize("local", ["grid", "vq", "attention", "none"])
@pytest.mark.parametrize("global_", ["grid", "vq", "attention", "none"])
def test_every_pair_of_memories_trains_and_gives_back_maps(local, global_):
    if local == global_ == "none":
        return
    config = dataclasses.replace(SMALL, local_memory=local, global_memory=global_, memory_start="features")
    torch.manual_seed(0)
    model, features = GRAD(config), torch.randn(24, 6, 1, 1) + 0.1 * torch.randn(24, 6, 4, 4)
    log = fit(model, features, TrainConfig(epochs=6, batch_size=8, lr_nets=1e-2))
    assert log.losses[-1] < log.losses[0]
    out = model(features[:2])
    assert out.reconstruction.shape == (2, 6, 4, 4)
    saved = GRAD(config)
    saved.load_state_dict(model.state_dict())
    torch.testing.assert_close(saved.eval()(features[:2]).error, out.error)


def test_grids_and_memories_of_one_size_start_from_the_same_features():
    features = torch.randn(10, 6, 4, 4)
    starts = []
    for kind in ("grid", "vq", "attention"):
        config = dataclasses.replace(SMALL, local_memory=kind, global_memory=kind, local_entries=64, global_entries=16)
        model = GRAD(config)
        for memory in (model.G_l, model.G_g):
            store = getattr(memory, "memory", memory)
            (store.G if kind == "grid" else store.entries).data.zero_()
        model.start_memories(features, torch.Generator().manual_seed(3))
        assert (model.G_l.entry_count(), model.G_g.entry_count()) == (64, 16)
        local, global_ = (getattr(m, "memory", m) for m in (model.G_l, model.G_g))
        pair = (local.G, global_.G) if kind == "grid" else (local.entries, global_.entries)
        starts.append([t.detach().reshape(n, -1) for t, n in zip(pair, (64, 16), strict=True)])
    for local, global_ in starts[1:]:
        torch.testing.assert_close(local, starts[0][0])
        torch.testing.assert_close(global_, starts[0][1])
    patches = features.permute(0, 2, 3, 1).reshape(-1, 6)
    assert torch.cdist(starts[0][0], patches, compute_mode="donot_use_mm_for_euclid_dist").amin(1).max() < 1e-6


def test_entries_learn_at_the_grids_rate():
    for kind in ("grid", "attention"):
        model = GRAD(dataclasses.replace(SMALL, local_memory=kind, global_memory=kind))
        nets, grids = model.parameter_groups(TrainConfig())
        assert len(grids["params"]) == 2
        assert len(nets["params"]) + 2 == len(list(model.parameters()))


@pytest.mark.parametrize("wrong", [{"local_memory": "books"}, {"global_memory": "vq", "global_entries": 0}])
def test_unknown_memories_are_refused(wrong):
    with pytest.raises(InputError, match="attention"):
        GRAD(dataclasses.replace(SMALL, **wrong))


def test_a_memory_starts_from_features_in_their_order() -> None:
    memory, features = AttentionMemory(3, (4, 1, 1)), torch.randn(3, 4, 1, 1)
    before = memory.entries.detach().clone()
    memory.start_from(features)
    torch.testing.assert_close(memory.entries.detach() - before, features)


def test_a_memory_counts_what_gradients_do_not_train() -> None:
    quantised = GRAD(dataclasses.replace(SMALL, local_memory="vq", global_memory="vq"))
    assert quantised.entries_without_gradient() == 64 * 6 + 16 * 6 * 4 * 4
    trained = GRAD(dataclasses.replace(SMALL, local_memory="attention", global_memory="none"))
    assert trained.entries_without_gradient() == 0
