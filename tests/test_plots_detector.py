"""Figures of a detector at work keep their values."""

from pathlib import Path

import numpy as np
import pytest

from conftest import save
from gradbook.plots import detector


def test_the_loss_curve_shows_every_epoch_and_the_drops() -> None:
    figure = detector.loss_curve([3.0, 2.0, 1.0], [2])
    assert list(figure.data[0].y) == [3.0, 2.0, 1.0]
    assert figure.layout.shapes[0].x0 == pytest.approx(2.5)


def test_images_stand_above_maps_on_one_scale(tmp_path: Path) -> None:
    path = save(np.full((20, 30), 77, np.uint8), tmp_path / "cell.png")
    figure = detector.images_above_maps([path, path], np.stack([np.zeros((4, 4)), np.ones((4, 4))]), ["a", "b"])
    top, low = figure.axes[0].images[0], figure.axes[2].images[0]
    assert top.get_array().shape == (224, 224, 3)
    assert low.get_clim() == figure.axes[3].images[0].get_clim() == (0, 1)
