"""Coordinate planes show each patch and each image once, at its coordinates; maps are those of the model."""

from pathlib import Path

import matplotlib as mpl
import pytest
import torch

mpl.use("Agg")

from gradbook.plots.planes import forward_maps, global_plane, local_plane, maps_by_condition
from gradlib.config import GradConfig
from gradlib.data.samples import Sample
from gradlib.model import GRAD


def random(*shape: int) -> torch.Tensor:
    return 2 * torch.rand(*shape, generator=torch.Generator().manual_seed(0)) - 1


def test_slider_of_the_local_plane_highlights_one_row_of_each_image() -> None:
    coordinates = {"normal": random(2, 5, 4), "defective": random(2, 5, 4).flip(1)}
    figure = local_plane(coordinates, {name: random(5, 4).abs() for name in coordinates}, R=3)
    assert len(figure.data[0].x) == 9
    assert [step["args"][0][0] for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    for h, frame in enumerate(figure.frames):
        assert [figure.data[number].name for number in frame.traces] == ["normal: this row", "defective: this row"]
        for trace, c in zip(frame.data, coordinates.values(), strict=True):
            assert trace.x == pytest.approx(c[0, h].tolist(), abs=1e-3)
            assert trace.y == pytest.approx(c[1, h].tolist(), abs=1e-3)
            assert f"row {h}, column 3" in trace.text[3]


def test_global_plane_names_every_image_once_and_moves_it_with_the_epochs() -> None:
    kinds = [(category, label) for category in ("mono", "poly") for label in (0, 1)]
    samples = [Sample(Path(f"{i}.png"), *[(c, "test", y, "x") for c, y in kinds][i % 4], None) for i in range(12)]
    history = random(4, 12, 2)
    figure = global_plane(history, samples, R=4)
    names = [words.split("<br>")[0] for trace in figure.data[1:] for words in trace.text]
    assert sorted(names) == sorted(sample.image.name for sample in samples)
    assert len({(trace.marker.symbol, trace.marker.color) for trace in figure.data[1:]}) == 4
    assert len({trace.marker.symbol for trace in figure.data[1:]}) == 4
    order = [int(name.split(".")[0]) for name in names]
    for epoch, frame in enumerate(figure.frames):
        x = [value for trace in frame.data for value in trace.x]
        assert x == pytest.approx(history[epoch, order, 0].tolist(), abs=1e-3)
    assert figure.data[1].x == figure.frames[-1].data[0].x


def test_maps_of_a_single_image() -> None:
    figure = maps_by_condition({"only": random(4, 4)}, {"d": random(1, 2, 2).abs()})
    assert [axis.get_title() for axis in figure.axes[:2]] == ["photograph", "d"]


def test_forward_maps_are_those_of_the_output() -> None:
    model = GRAD(GradConfig(channels=4, map_size=(6, 6), fusion="slim", blocks=1, width=4)).eval()
    with torch.no_grad():
        output = model(random(1, 4, 6, 6))
    figure = forward_maps(random(12, 12), output)
    panels = {axis.get_title(): axis.images[0].get_array() for axis in figure.axes if axis.get_title()}
    assert next(iter(panels)) == "photograph"
    assert torch.equal(torch.as_tensor(panels["$d$"]), output.error[0])
    assert torch.equal(torch.as_tensor(panels["$S$"]), output.similarity[0])


def test_maps_of_all_conditions_share_one_scale() -> None:
    maps = {"both": random(2, 3, 3).abs(), "one": 5 * random(2, 3, 3).abs()}
    figure = maps_by_condition({"a": random(6, 6), "b": random(6, 6)}, maps)
    limits = {image.get_clim() for axis in figure.axes[:6] for image in axis.images if image.cmap.name == "cividis"}
    assert limits == {(0.0, float(maps["one"].max()))}
