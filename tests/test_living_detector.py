"""The detector's figure without a browser: it resizes as Pillow does, its strokes and maps are the library's."""

import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gradbook.analysis.brush import Stroke, paint
from gradbook.living.detector import PageDetector
from gradlib.data.images import squash
from gradlib.deploy.detector import Detector
from gradlib.errors import InputError
from gradlib.scores import anomaly_map
from javascript import call
from networks import H, S, small_detector, small_figure

SIZES = [(300, 300), (224, 224), (517, 389), (97, 640), (100, 60), (1, 5), (1200, 31)]  # width, height


def with_alpha(pixels: np.ndarray) -> list[int]:
    """(height, width, 3) as the flat RGBA bytes of a canvas."""
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]).reshape(-1).tolist()


def without_alpha(flat: list[int], height: int, width: int) -> np.ndarray:
    return np.array(flat, np.uint8).reshape(height, width, 4)[..., :3]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("side", [224, 37])
def test_squashing_is_pillow_s(width: int, height: int, side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = np.array(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))
    (found,) = call("detector_maths", "squash", [[with_alpha(pixels), width, height, side]])
    difference = np.abs(without_alpha(found, side, side).astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


@pytest.mark.parametrize(("width", "height"), [(40, 40), (50, 23)])
def test_painting_is_the_library_s(width: int, height: int) -> None:
    draw = np.random.default_rng(1)
    pixels = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
    strokes = [
        Stroke(draw.random((count, 2)).tolist(), width=draw.random() / 5, shade=2 * draw.random() - 1)
        for count in (1, 2, 5, 9)
    ]
    strokes.append(Stroke([(-0.2, 0.5), (1.3, 0.4)], width=1e-6, shade=1.0))
    (found,) = call(
        "detector_maths", "paintStrokes", [[with_alpha(pixels), [width, height], [asdict(s) for s in strokes]]]
    )
    np.testing.assert_array_equal(without_alpha(found, height, width), paint(pixels, strokes))


def test_planes_are_the_network_s_input() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    (found,) = call("detector_maths", "planes", [[with_alpha(pixels), 5]])
    np.testing.assert_array_equal(np.reshape(found, (1, 3, 5, 5)), squash(Image.fromarray(pixels), 5))


def test_map_and_its_means_are_the_library_s() -> None:
    d = torch.rand(1, 14, 14)
    (found,) = call("scores_maths", "anomalyMap", [[d.flatten().tolist(), 14, 14, 224]])
    library = anomaly_map(d, 224)[0]
    np.testing.assert_allclose(np.reshape(found, (224, 224)), library, atol=1e-6)
    mask = np.zeros((224, 224), int)
    mask[30:60, 100:190] = 1
    (means,) = call("detector_maths", "means", [[found, mask.flatten().tolist()]])
    assert means["inside"] == pytest.approx(float(library[mask == 1].mean()), abs=1e-6)
    assert means["outside"] == pytest.approx(float(library[mask == 0].mean()), abs=1e-6)
    (places,) = call("detector_maths", "placesOf", [[mask.flatten().tolist(), 224, 14]])
    nearest = np.floor(np.arange(224) * 13 / 223 + 0.5).astype(int)
    rows, columns = (set(nearest[part]) for part in (slice(30, 60), slice(100, 190)))
    expected = [int(i in rows and j in columns) for i in range(14) for j in range(14)]
    assert places == expected


def test_only_changed_pixels_differ() -> None:
    pixels = np.zeros((3, 4, 3), np.uint8)
    changed = pixels.copy()
    changed[1, 2, 2] = 1
    (mask,) = call("detector_maths", "differing", [[with_alpha(pixels), with_alpha(changed)]])
    assert mask == [0] * 6 + [1] + [0] * 5


@pytest.fixture(scope="module")
def detector() -> Detector:
    return small_detector()


@pytest.fixture
def figure(detector: Detector, tmp_path: Path) -> PageDetector:
    return small_figure(tmp_path, detector)


def test_unpainted_images_come_with_answers(figure: PageDetector, detector: Detector) -> None:
    assert figure.names == ["dark", "bright"]
    assert figure.shape == {"size": S, "H": H, "R": 8, "count": 2, "side": 8 * H}
    strip = Image.open(io.BytesIO(figure.images))
    assert (strip.size, strip.getpixel((3, 19)), strip.getpixel((3, 20))) == ((30, 40), 10, 200)
    numbers = np.frombuffer(figure.answers, np.float32).reshape(2, 1 + 3 * H * H)
    expected = detector.answer(torch.from_numpy(squash(Image.new("L", (30, 20), 200), S)))
    np.testing.assert_allclose(numbers[1, 0], expected.score[0], atol=1e-5)
    np.testing.assert_allclose(numbers[1, 1 : 1 + H * H], expected.d.flatten(), atol=1e-5)
    np.testing.assert_allclose(numbers[1, 1 + H * H :], expected.local.flatten(), atol=1e-5)
    decoded = np.array(Image.open(io.BytesIO(figure.pictures)))[8 * H :]
    np.testing.assert_allclose(decoded / 255, expected.picture[0].permute(1, 2, 0), atol=0.5 / 255 + 1e-6)


def test_python_answers_if_there_is_a_kernel(figure: PageDetector, detector: Detector) -> None:
    sent: list[tuple[dict, list[bytes]]] = []
    figure.send = lambda content, buffers=(): sent.append((content, list(buffers)))
    pixels = np.random.default_rng(0).integers(0, 256, (S, S, 3), dtype=np.uint8)
    figure._handle_custom_msg({"kind": "question"}, [memoryview(bytes(with_alpha(pixels)))])
    ((content, buffers),) = sent
    assert content == {"kind": "answer"}
    expected = detector.answer(torch.from_numpy(squash(Image.fromarray(pixels), S)))
    for buffer, part in zip(buffers, (expected.score, expected.map, expected.local, expected.picture), strict=True):
        np.testing.assert_allclose(np.frombuffer(buffer, np.float32), part.flatten(), atol=1e-5)
    figure._handle_custom_msg({"kind": "question"}, [memoryview(b"short")])
    assert "reload the page" in sent[1][0]["error"]


def test_bad_input_is_refused(detector: Detector, tmp_path: Path) -> None:
    unlike = {"a": Image.new("L", (3, 3)), "b": Image.new("L", (4, 3))}
    with pytest.raises(InputError, match="all of one size"):
        PageDetector(detector, unlike, threshold=1.0, file=tmp_path)
    with pytest.raises(InputError, match="all of one size"):
        PageDetector(detector, {}, threshold=1.0, file=tmp_path)
    with pytest.raises(InputError, match="does not exist: write it"):
        PageDetector(detector, {"a": Image.new("L", (3, 3))}, threshold=1.0, file=tmp_path / "none.onnx")
