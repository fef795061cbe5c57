"""The ledger: which records belong together, and what is said over their seeds."""

import json

import numpy as np
import pytest

from gradbook.study.bootstrap import image_replicates
from gradbook.study.evidence import numbers
from gradbook.study.record import write_json
from gradbook.study.statistics import difference, read_group, replicates, spread

LABELS = np.array([0] * 20 + [1] * 20)


def record(seed, shift, *, data="same", pixel=None):
    scores = np.random.default_rng(seed).normal(shift * LABELS)
    kept = {"scores": numbers(scores), "labels": "".join(map(str, LABELS)), "pixel_replicates": pixel}
    value = float(np.mean(scores[20:, None] > scores[:20]))
    table = {"image_auroc": value, "pixel_auroc": None}
    return {
        "schema": 2,
        "classes": {"nut": table},
        "mean": table,
        "evidence": {"nut": kept},
        "data": {"fingerprint": data},
        "experiment": {"seed": seed},
    }


def test_a_group_s_records_come_by_row_and_seed(tmp_path):
    for seed in (2, 0):
        write_json(tmp_path / f"grad-pair-unified-seed{seed}.json", record(seed, 1.0))
    write_json(tmp_path / "parts-full-seed0.json", record(0, 1.0))
    found = read_group("grad-pair", folder=tmp_path)
    assert [r["experiment"]["seed"] for r in found["unified"]] == [0, 2]
    assert read_group("parts", "local", folder=tmp_path) == {}
    assert list(read_group("parts", folder=tmp_path)) == ["full"]
    json.dumps(found)


def test_spread_is_over_seeds():
    records = [record(seed, 1.0) for seed in range(3)]
    found = [r["mean"]["image_auroc"] for r in records]
    assert spread(records, "image_auroc") == pytest.approx((np.mean(found), np.std(found, ddof=1)))
    assert np.isnan(spread(records[:1], "image_auroc")[1])
    assert np.isnan(spread(records, "pixel_auroc")[0])


def test_the_difference_of_a_method_to_itself_is_zero_and_to_a_worse_one_is_clear():
    good, bad = ([record(seed, shift) for seed in range(3)] for shift in (2.0, 0.2))
    assert difference(good, good, "image_auroc") == (0, 0, 0)
    middle, low, high = difference(good, bad, "image_auroc")
    assert 0 < low < middle < high
    assert middle == pytest.approx(spread(good, "image_auroc")[0] - spread(bad, "image_auroc")[0])


def test_replicates_are_means_over_seeds():
    records = [record(seed, 1.0) for seed in range(2)]
    single = [image_replicates(np.array(r["evidence"]["nut"]["scores"].split(), float), LABELS) for r in records]
    np.testing.assert_allclose(replicates(records, "image_auroc"), np.mean(single, axis=0))
    with_pixels = [record(0, 1.0, pixel="0.5 0.75")]
    np.testing.assert_allclose(replicates(with_pixels, "pixel_auroc"), [0.5, 0.75])
    with_pixels[0]["evidence"]["nut"]["labels"] = "1" * len(LABELS)
    assert replicates(with_pixels, "image_auroc") is None


def test_no_difference_is_given_over_other_images_or_without_masks():
    assert difference([record(0, 1.0)], [record(0, 1.0, data="other")], "image_auroc") is None
    assert difference([record(0, 1.0)], [record(1, 1.0)], "pixel_auroc") is None
