"""Figures of a backbone's stages keep their values."""

import matplotlib as mpl
import numpy as np
import torch

from gradbook.plots.receptive import maps_in_row, stage_channels


def test_each_stage_shows_its_most_varying_channel() -> None:
    mpl.use("Agg")
    maps = [torch.zeros(1, 3, 8, 8), torch.zeros(1, 5, 4, 4)]
    maps[0][0, 2, 1], maps[1][0, 1, 2] = 1.0, -3.0
    figure = stage_channels(torch.rand(3, 16, 16), maps)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:3] == ["photograph, 16 × 16", "stage 0, 8 × 8, channel 2", "stage 1, 4 × 4, channel 1"]
    np.testing.assert_array_equal(figure.axes[2].images[0].get_array(), maps[1][0, 1])


def test_maps_share_one_scale() -> None:
    mpl.use("Agg")
    figure = maps_in_row([torch.rand(4, 4), 5 * torch.ones(2, 2)], ["one", "two"], "change")
    assert [axis.images[0].get_clim() for axis in figure.axes[:2]] == [(0, 5), (0, 5)]
    assert figure.axes[2].get_ylabel() == "change"
