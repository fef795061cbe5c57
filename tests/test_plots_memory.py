"""The figures of a memory show every map and every mean where it belongs."""

import matplotlib as mpl
import numpy as np
import pytest
import torch

mpl.use("Agg")

from gradbook.plots.memory import corner, growth, memory_maps


def test_corner_names_every_new_point() -> None:
    figure = corner(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]), {"p": (2, 0), "q": (1.5, 1.5)})
    (axis,) = figure.axes
    points = [np.asarray(line.get_xydata())[0].tolist() for line in axis.lines if line.get_marker() == "x"]
    assert points == [[2.0, 0.0], [1.5, 1.5]]
    assert [text.get_text() for text in axis.texts] == ["p", "q"]
    assert axis.get_legend_handles_labels()[1] == ["mixtures", "normal", "stored"]


def test_slider_shows_the_maps_of_its_memory_on_one_scale() -> None:
    maps = {M: {rule: torch.rand(2, 3, 4) * M for rule in ("nearest", "best mixture")} for M in (16, 64, 256)}
    figure = memory_maps(maps, ("normal", "defective"))
    assert [step.args[0][0] for step in figure.layout.sliders[0].steps] == ["16", "64", "256"]
    for (M, by_rule), frame in zip(maps.items(), figure.frames, strict=True):
        assert frame.name == str(M)
        expected = [by_rule[rule][n] for rule in ("nearest", "best mixture") for n in range(2)]
        for trace, d in zip(frame.data, expected, strict=True):
            assert np.allclose(trace.z, d, atol=0.006)
            assert trace.coloraxis == "coloraxis"
    titles = [words.text for words in figure.layout.annotations]
    assert titles[:2] == ["normal:<br>nearest", "defective:<br>nearest"]
    assert figure.layout.coloraxis.cmax == max(float(d.max()) for by_rule in maps.values() for d in by_rule.values())
    assert np.array_equal(figure.data[0].z, figure.frames[figure.layout.sliders[0].active].data[0].z)


def test_growth_shows_means_and_deviations_with_different_dashes() -> None:
    figure = growth({"a": {16: [1.0, 3.0], 64: [1.0, 1.0]}, "b": {16: [5.0, 5.0]}}, "error")
    assert tuple(figure.data[0].y) == (2.0, 1.0)
    assert figure.data[0].error_y.array == pytest.approx([2**0.5, 0.0])
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert tuple(figure.layout.xaxis.tickvals) == (16, 64)
