"""The figure of what a place sees, without a browser: its windows and outlines, and the bytes that it carries."""

from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import save
from gradbook.analysis.receptive import Field
from gradbook.living.influence import Influence
from gradlib.errors import InputError
from javascript import call

NEAR, FAR = Field(67, 8, 7.0), Field(339, 16, 15.0)


@pytest.mark.parametrize(("field", "places"), [(NEAR, 28), (FAR, 14)])
def test_window_joins_those_of_the_places_in_use(field: Field, places: int) -> None:
    given = {**field._asdict(), "places": places}
    for i, (first, last) in enumerate(call("influence_maths", "windowOf", [[i, 14, 224, given] for i in range(14)])):
        at = i * (places - 1) / 13
        low, high = field.window(int(np.floor(at + 1e-9))), field.window(int(np.ceil(at - 1e-9)))
        assert (first, last) == (max(low[0], 0), min(high[1], 223))


def test_outline_is_the_border_of_the_marked_cells() -> None:
    marked = np.zeros((4, 4), int)
    marked[0, 0] = marked[1:3, 2] = 1
    (edges,) = call("influence_maths", "outline", [[marked.flatten().tolist(), 4]])
    assert len(edges) == 4 + 6
    assert [0, 0, 1, 0] in edges
    assert [2, 2, 3, 2] not in edges, "between two marked cells"
    assert [2, 1, 3, 1] in edges


def figure(path: Path, changes: torch.Tensor) -> Influence:
    return Influence(changes, path, ["near", "far"], [NEAR, FAR], [28, 14], size=32)


def test_the_figure_carries_all_changes_to_half_a_byte(tmp_path: Path) -> None:
    path = save(np.full((20, 20), 77, np.uint8), tmp_path / "cell.png")
    changes = torch.rand(2, 4, 4, 3, 3) * torch.tensor([2.0, 5.0])[:, None, None, None, None]
    shown = figure(path, changes)
    codes = np.frombuffer(shown.codes, np.uint8).reshape(2, -1)
    for k, top in enumerate(shown.tops):
        (found,) = call("influence_maths", "decoded", [[codes[k].tolist(), top]])
        np.testing.assert_allclose(np.sqrt(found), changes[k].flatten().sqrt(), atol=0.51 / 255 * top**0.5)
        (column,) = call("influence_maths", "column", [[found, 9, 4]])
        np.testing.assert_allclose(column, np.reshape(found, (16, 9))[:, 4], rtol=1e-6)
    assert (shown.patches, shown.map_size, shown.place) == (4, 3, [1, 1])
    assert shown.fields[1] == {"size": 339, "stride": 16, "centre": 15.0, "places": 14}
    assert shown.images[8:12] == b"WEBP"


def test_changes_of_another_shape_are_refused(tmp_path: Path) -> None:
    path = save(np.full((20, 20), 77, np.uint8), tmp_path / "cell.png")
    with pytest.raises(InputError, match=r"\(1, 4, 4, 3, 3\) do not fit 2 names"):
        figure(path, torch.rand(1, 4, 4, 3, 3))
