"""Figures of coordinate space keep their values, and their alternative text states them."""

import matplotlib as mpl
import numpy as np
import torch

from gradbook.plots.space import image_rows, walk


def test_images_stand_in_rows_under_their_titles() -> None:
    mpl.use("Agg")
    rows = {name: torch.rand(3, 3, 4, 4) for name in ("image", "decoded")}
    figure = image_rows(rows, ["one", "two", "three"])
    axes = np.array(figure.axes).reshape(2, 3)
    assert [axis.get_title() for axis in axes[0]] == ["one", "two", "three"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == list(rows)
    np.testing.assert_array_equal(axes[1, 2].images[0].get_array(), rows["decoded"][2].permute(1, 2, 0))


def test_walk_has_a_curve_and_a_sentence_for_each_class() -> None:
    figure = walk([0, 0.5, 1], {"gear": [0.0, 0.2, 0.9], "nut": [0.5, 1.0, 1.0]}, ("gear", "nut"))
    assert [curve.name for curve in figure.data] == ["photographs of gear", "photographs of nut"]
    assert figure.data[0].y == (0.0, 0.2, 0.9)
    assert len({curve.line.dash for curve in figure.data}) == 2
    assert "gear: from 0% to 90%; nut: from 50% to 100%" in figure.layout.meta["alt"]
