"""The nearest-neighbour memory is an exhaustive search over a greedy core set."""

import torch

from gradbook.study.methods.knn import PatchMemory, core_set


def test_the_nearest_neighbour_memory_is_exhaustive_search():
    train, test = torch.randn(30, 4, 3, 3), torch.randn(5, 4, 3, 3)
    memory = PatchMemory(torch.zeros(4), torch.ones(4)).fit(train)
    assert len(memory.entries) == 270
    patches = test.permute(0, 2, 3, 1).reshape(-1, 4)
    expected = torch.cdist(patches, memory.entries).amin(dim=1).view(5, 3, 3)
    torch.testing.assert_close(memory.distance(test), expected, atol=1e-4, rtol=1e-4)


def test_the_core_set_takes_the_farthest_patch_each_time():
    line = torch.tensor([[0.0], [1.0], [10.0], [4.0], [9.0]])
    assert core_set(line, 4).tolist() == [0, 2, 3, 1]
    wide = torch.randn(200, 80)
    wide[57] += 50  # an outlier survives the projection
    assert core_set(wide, 2)[1] == 57


def test_the_memory_s_entries_are_training_patches_in_the_model_s_units():
    train = torch.randn(30, 4, 3, 3)
    mean, std = torch.tensor([1.0, 2, 3, 4]), torch.tensor([1.0, 2, 3, 4])
    memory = PatchMemory(mean, std).fit(train, seed=1)
    patches = ((train - mean[:, None, None]) / std[:, None, None]).permute(0, 2, 3, 1).reshape(-1, 4)
    assert torch.cdist(memory.entries, patches).amin(dim=1).max() < 5e-3  # cdist's own rounding
