"""AUPRO against a plain reference that walks thresholds one by one, and cases worked out by hand."""

import numpy as np
import pytest

from gradlib.errors import InputError
from gradlib.metrics.region_overlap import aupro

Arrays = tuple[np.ndarray, np.ndarray]


def flood_fill(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """The 8-connected regions of one mask as lists of pixels, written without a library."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    regions = []
    while left:
        region, frontier = [], [left.pop()]
        while frontier:
            y, x = frontier.pop()
            region.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            frontier.extend(near)
        regions.append(region)
    return regions


def reference_aupro(maps: np.ndarray, masks: np.ndarray, limit: float, thresholds: int | None = None) -> float:
    """Trapezoids under (FPR, mean overlap), threshold by threshold: all distinct scores, or so many even in rank."""
    regions = [
        np.sort([image[pixel] for pixel in region])
        for image, mask in zip(maps, masks, strict=True)
        for region in flood_fill(mask)
    ]
    background = np.sort(maps[~masks])
    grid = np.unique(maps)[::-1]
    if thresholds is not None:
        grid = np.sort(maps.ravel())[:: -max(maps.size // thresholds, 1)]
    rates, overlaps = [0.0], [0.0]
    for threshold in grid:
        rates.append(float(1 - np.searchsorted(background, threshold) / len(background)))
        overlaps.append(float(np.mean([1 - np.searchsorted(region, threshold) / len(region) for region in regions])))
    rates, overlaps = [*rates, 1.0], [*overlaps, 1.0]
    area = 0.0
    for x0, x1, y0, y1 in zip(rates, rates[1:], overlaps, overlaps[1:], strict=False):
        if x0 >= limit:
            break
        if x1 > limit:
            x1, y1 = limit, y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
        area += (x1 - x0) * (y0 + y1) / 2
    return area / limit


def random_images(seed: int, count: int, side: int, decimals: int | None = None) -> Arrays:
    """Maps and masks; every third image is normal; regions are rectangles of uneven size and visibility."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, side, side), dtype=bool)
    maps = rng.normal(size=masks.shape)
    for image in range(count):
        for _ in range(0 if image % 3 == 0 else int(rng.integers(1, 4))):
            top, left = rng.integers(0, side, 2)
            height, width = rng.integers(1, max(side // 3, 2), 2)
            masks[image, top : top + height, left : left + width] = True
            maps[image, top : top + height, left : left + width] += rng.uniform(0.5, 3)
    return (maps if decimals is None else np.round(maps, decimals)).astype(np.float32), masks


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("limit", [0.02, 0.3, 1.0])
def test_aupro_equals_the_plain_reference_over_all_distinct_thresholds(decimals: int | None, limit: float) -> None:
    for seed in range(4):
        maps, masks = random_images(seed, count=5, side=14, decimals=decimals)
        assert aupro(maps, masks, limit).value == pytest.approx(reference_aupro(maps, masks, limit), abs=1e-12)


def test_aupro_is_within_1e_4_of_the_reference_with_more_than_5000_thresholds_and_above_one_with_100() -> None:
    maps, masks = random_images(11, count=24, side=64)
    exact = aupro(maps, masks).value
    assert exact == pytest.approx(reference_aupro(maps, masks, 0.3, thresholds=6000), abs=1e-4)
    assert exact > reference_aupro(maps, masks, 0.3, thresholds=100) + 1e-3


@pytest.mark.parametrize("columns", [[3], [1, 3, 5]])
def test_aupro_of_scores_rising_along_columns_is_half_the_limit(columns: list[int]) -> None:
    # Overlap and false-positive rate rise together, so the area to the limit is limit^2 / 2: divided, limit / 2.
    maps = (np.arange(2800, dtype=np.float32) / 2800).reshape(1, 400, 7)
    masks = np.zeros((1, 400, 7), dtype=bool)
    masks[:, :, columns] = True
    assert aupro(maps, masks, 1 / 3).value == pytest.approx(1 / 6, abs=1e-3)
    assert aupro(maps, masks, 1 / 3).value == pytest.approx(reference_aupro(maps, masks, 1 / 3), abs=1e-12)


def test_every_region_counts_the_same_whatever_its_size() -> None:
    masks = np.zeros((1, 10, 10), dtype=bool)
    masks[0, :5, :5] = True
    masks[0, 8, 8] = True
    maps = np.where(masks, 0.0, np.linspace(0.1, 0.9, 100).reshape(1, 10, 10))
    maps[0, 8, 8] = 1  # the one-pixel region is found at once, the one of 25 pixels never
    assert aupro(maps, masks).value == pytest.approx(0.5, abs=1e-12)


def test_pixels_that_touch_at_a_corner_are_one_region() -> None:
    masks = np.zeros((1, 9, 9), dtype=bool)
    masks[0, 1, 1] = masks[0, 2, 2] = True  # one region by its corner, two by edges
    masks[0, 7, 7] = True
    maps = np.where(masks, 0.0, np.linspace(0.1, 0.9, 81).reshape(1, 9, 9))
    maps[0, 1, 1] = maps[0, 2, 2] = 1
    assert aupro(maps, masks).value == pytest.approx(1 / 2, abs=1e-12)


def test_regions_at_the_same_place_in_neighbouring_images_are_two() -> None:
    masks = np.zeros((2, 6, 6), dtype=bool)
    masks[0, 2:4, 2:4] = True
    masks[1, 3, 3] = True
    maps = np.where(masks, 0.0, np.linspace(0.1, 0.9, 72).reshape(2, 6, 6))
    maps[1, 3, 3] = 1
    assert aupro(maps, masks).value == pytest.approx(1 / 2, abs=1e-12)


def test_two_defects_that_touch_are_one_region_and_apart_are_two() -> None:
    masks = np.zeros((1, 8, 20), dtype=bool)
    masks[0, 2:6, 2:6] = masks[0, 2:4, 6:8] = True  # 16 and 4 pixels side by side
    maps = np.where(masks, 0.0, np.linspace(0.1, 0.9, 160).reshape(1, 8, 20))
    maps[0, 2:4, 6:8] = 1
    assert aupro(maps, masks).value == pytest.approx(4 / 20, abs=1e-12)
    apart = np.concatenate([masks[:, :, :6], np.zeros((1, 8, 1), dtype=bool), masks[:, :, 6:]], axis=2)
    wider = np.concatenate([maps[:, :, :6], np.full((1, 8, 1), 0.2), maps[:, :, 6:]], axis=2)
    assert aupro(wider, apart).value == pytest.approx(1 / 2, abs=1e-12)


def test_normal_images_are_part_of_the_background() -> None:
    maps, masks = random_images(5, count=4, side=12)
    quiet = np.full((4, 12, 12), maps.min() - 1, dtype=np.float32)
    more, none = np.concatenate([maps, quiet]), np.concatenate([masks, np.zeros_like(masks)])
    assert aupro(more, none).value == pytest.approx(reference_aupro(more, none, 0.3), abs=1e-12)
    assert aupro(more, none).value > aupro(maps, masks).value


@pytest.mark.parametrize(("score", "expected"), [(1.0, 1.0), (0.0, 0.0), (0.5, 0.15)])
def test_all_found_first_all_found_last_and_all_tied(score: float, expected: float) -> None:
    masks = np.zeros((2, 10, 10), dtype=bool)
    masks[1, 2:5, 2:5] = True
    maps = np.where(masks, score, 0.5)  # all tied is one line from (0, 0) to (1, 1), cut at 0.3
    assert aupro(maps, masks).value == pytest.approx(expected, abs=1e-12)


def test_aupro_depends_only_on_the_order_of_the_scores_and_not_on_that_of_the_images() -> None:
    maps, masks = random_images(7, count=6, side=16, decimals=1)
    value = aupro(maps, masks).value
    order = np.random.default_rng(0).permutation(6)
    assert aupro(maps[order], masks[order]).value == pytest.approx(value, abs=1e-12)
    assert aupro(np.exp(maps.astype(np.float64)) + 40, masks).value == pytest.approx(value, abs=1e-12)
    assert aupro(np.flip(maps, axis=2), np.flip(masks, axis=2)).value == pytest.approx(value, abs=1e-12)


def test_undefined_aupro_is_none_with_a_reason() -> None:
    maps = np.ones((3, 4, 4))
    for masks, reason in [
        (np.zeros((3, 4, 4)), "no anomalous pixel"),
        (np.ones((3, 4, 4)), "every pixel is anomalous"),
    ]:
        metric = aupro(maps, masks)
        assert metric.value is None
        assert reason in metric.reason
    assert aupro(maps[:0], np.zeros((0, 4, 4))).value is None


def test_bad_input_is_refused_with_a_sentence() -> None:
    maps, masks = random_images(1, count=3, side=8)
    broken = maps.copy()
    broken[1, 0, 0] = np.inf
    for arguments, sentence in [
        ((broken, masks), r"hold inf at image \(or sample\) 1"),
        ((maps, masks[:2]), r"shape \(3, 8, 8\) and the masks \(2, 8, 8\)"),
        ((maps[0], masks[0]), r"give both as \(N, S, S\)"),
        ((maps, masks * 255), "masks hold the value 255"),
        ((maps, masks, 0.0), "limit is 0.0"),
        ((maps, masks, 30), "limit is 30"),
    ]:
        with pytest.raises(InputError, match=sentence):
            aupro(*arguments)


def test_pixels_may_be_taken_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    maps, masks = random.standard_normal((3, 9, 9)), random.random((3, 9, 9)) < 0.3
    at_once = aupro(maps, masks).value
    monkeypatch.setattr("gradlib.metrics.region_overlap.BLOCK", 5)
    assert aupro(maps, masks).value == pytest.approx(at_once, rel=1e-12)
