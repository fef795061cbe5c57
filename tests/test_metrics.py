"""Exact metrics against scikit-learn, and the traps in which published numbers have been caught."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from gradlib.errors import InputError
from gradlib.metrics.curves import auroc, average_precision, f1_max
from gradlib.metrics.evaluation import evaluate, mean_over_categories
from gradlib.metrics.ranking import METRIC_NAMES, Metric
from gradlib.metrics.region_overlap import aupro

MEASURES = [auroc, average_precision, f1_max]


def sklearn_f1_max(labels: np.ndarray, scores: np.ndarray) -> float:
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-300)))


def images(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Maps, image scores, labels and masks of 6 normal and 6 anomalous images, 16 x 16; scores are integers."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], 6)
    masks = np.zeros((12, 16, 16), dtype=bool)
    for image in range(6, 12):
        top, left = rng.integers(0, 10, 2)
        masks[image, top : top + 5, left : left + 4] = True
    maps = np.round(rng.normal(size=masks.shape) * 50 + 60 * masks).astype(np.float32)
    return maps, maps.max(axis=(1, 2)), labels, masks


ORACLES = [(auroc, roc_auc_score), (average_precision, average_precision_score), (f1_max, sklearn_f1_max)]


def random_case(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels with both kinds present: all distinct, rounded to many ties, rare positives or negatives."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 400))
    share = {"rare": 0.02, "common": 0.98}.get(kind, 0.5)
    labels = (rng.random(n) < share).astype(int)
    labels[:2] = 0, 1
    scores = rng.normal(size=n) + labels
    return (
        np.round(scores * 2) if kind == "ties" else scores.astype(np.float32) if kind == "float32" else scores
    ), labels


@pytest.mark.parametrize(("measure", "oracle"), ORACLES)
@pytest.mark.parametrize("kind", ["distinct", "ties", "rare", "common", "float32"])
def test_measure_equals_scikit_learn(measure: Callable, oracle: Callable, kind: str) -> None:
    for seed in range(40):
        scores, labels = random_case(kind, seed)
        assert measure(scores, labels).value == pytest.approx(oracle(labels, scores), abs=1e-12)


@pytest.mark.parametrize(("measure", "expected"), [(auroc, 0.5), (average_precision, 0.25), (f1_max, 0.4)])
def test_all_equal_scores_give_the_value_of_calling_everything_anomalous(measure: Callable, expected: float) -> None:
    labels = np.array([0, 0, 0, 1])
    assert measure(np.full(4, 7.0), labels).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_perfect_separation_gives_one(measure: Callable) -> None:
    assert measure([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]).value == 1


def test_small_case_by_hand() -> None:
    # Ranked: 0.9 anomalous, 0.8 normal, 0.7 anomalous and normal tied, 0.1 normal.
    scores, labels = [0.9, 0.8, 0.7, 0.7, 0.1], [1, 0, 1, 0, 0]
    assert auroc(scores, labels).value == pytest.approx((3 + 1.5) / 6, abs=1e-15)
    assert average_precision(scores, labels).value == pytest.approx((1 + 2 / 4) / 2, abs=1e-15)
    assert f1_max(scores, labels).value == pytest.approx(2 / 3, abs=1e-15)


def test_f1_max_looks_at_every_threshold_and_not_at_a_grid() -> None:
    scores = np.concatenate([np.linspace(0, 1e-6, 50), [1e-6 + 1e-9, 1.0]])
    labels = np.concatenate([np.zeros(50), [1, 1]])
    assert f1_max(scores, labels).value == 1


def test_auroc_of_wrongly_signed_scores_is_below_half_and_never_complemented() -> None:
    scores, labels = random_case("distinct", 3)
    right, wrong = auroc(scores, labels).value, auroc(-scores, labels).value
    assert wrong < 0.5 < right
    assert wrong == pytest.approx(1 - right, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_scores_in_any_range_are_taken_by_their_order_without_a_sigmoid(measure: Callable) -> None:
    scores, labels = random_case("distinct", 5)
    scaled = (scores - scores.min()) / (scores.max() - scores.min())
    large = (40 + 15 * scaled).astype(np.float32)
    scaled = (large - large.min()) / (large.max() - large.min())
    assert len(np.unique(1 / (1 + np.exp(-large)))) < len(large) / 4  # what a sigmoid in float32 would leave
    assert measure(large, labels) == measure(scaled, labels)


def test_pixel_metrics_do_not_change_when_all_scores_are_shifted() -> None:
    maps, scores, labels, masks = images()
    before, after = evaluate(maps, scores, labels, masks), evaluate(maps - 1000, scores - 1000, labels, masks)
    assert before == after


@pytest.mark.parametrize("measure", MEASURES)
def test_order_of_the_samples_does_not_matter(measure: Callable) -> None:
    scores, labels = random_case("ties", 8)
    order = np.random.default_rng(1).permutation(len(scores))
    assert measure(scores, labels) == measure(scores[order], labels[order])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("labels", "reason"),
    [([0, 0, 0], "all 3 labels are 0"), ([1, 1, 1], "all 3 labels are 1"), ([], "no scores were given")],
)
def test_undefined_measure_is_none_with_a_reason(measure: Callable, labels: list[int], reason: str) -> None:
    metric = measure(np.arange(len(labels), dtype=float), labels)
    assert metric.value is None
    assert reason in metric.reason


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("scores", "labels", "sentence"),
    [
        ([1.0, np.nan, 2.0], [0, 1, 1], r"hold nan at image \(or sample\) 1"),
        ([1.0, 2.0, -np.inf], [0, 1, 1], r"hold -inf at image \(or sample\) 2"),
        ([1.0, 2.0], [0, 1, 1], r"shape \(2,\) but their labels \(3,\)"),
        ([[1.0, 2.0]], [0, 1], r"shape \(1, 2\) but their labels \(2,\)"),
        ([1.0, 2.0], [0, 255], "labels hold the value 255"),
        ([1.0, 2.0], [0, -1], "labels hold the value -1"),
        ([1.0, 2.0], [0, np.nan], "labels hold the value nan"),
        ([1.0, 2.0], ["good", "bad"], "labels hold the value good"),
        (["a", "b"], [0, 1], "give an array of real numbers"),
    ],
)
def test_bad_scores_and_labels_are_refused_with_a_sentence(
    measure: Callable, scores: list, labels: list, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        measure(scores, labels)


def test_inputs_are_left_as_they_were() -> None:
    maps, scores, labels, masks = images()
    copies = maps.copy(), scores.copy(), labels.copy(), masks.copy()
    evaluate(maps, scores, labels, masks)
    for after, before in zip((maps, scores, labels, masks), copies, strict=True):
        np.testing.assert_array_equal(after, before)


def test_evaluate_gives_the_seven_metrics_of_images_and_of_all_pixels() -> None:
    maps, scores, labels, masks = images()
    metrics = evaluate(maps, scores, labels, masks)
    assert tuple(metrics) == METRIC_NAMES
    pixels = masks.ravel(), maps.ravel()  # the normal images' pixels are among the negatives
    for name, (truth, predicted) in {"image": (labels, scores), "pixel": pixels}.items():
        assert metrics[f"{name}_auroc"].value == pytest.approx(roc_auc_score(truth, predicted), abs=1e-12)
        assert metrics[f"{name}_ap"].value == pytest.approx(average_precision_score(truth, predicted), abs=1e-12)
        assert metrics[f"{name}_f1max"].value == pytest.approx(sklearn_f1_max(truth, predicted), abs=1e-12)
    assert metrics["aupro"] == aupro(maps, masks, limit=0.3)
    assert metrics["pixel_auroc"] != evaluate(maps[6:], scores[6:], labels[6:], masks[6:])["pixel_auroc"]


def test_tensors_and_arrays_give_the_same_metrics() -> None:
    maps, scores, labels, masks = images()
    tensors = torch.from_numpy(maps).requires_grad_(), *map(torch.from_numpy, (scores, labels, masks))
    assert evaluate(*tensors) == evaluate(maps, scores, labels, masks)
    assert evaluate(*tensors[:3], None) == evaluate(maps, scores, labels, None)
    assert [measure(*tensors[1:3]) for measure in MEASURES] == [measure(scores, labels) for measure in MEASURES]
    assert aupro(tensors[0], tensors[3]) == aupro(maps, masks)


def test_metrics_print_as_their_value_or_the_reason() -> None:
    assert f"{Metric(0.97318)} {Metric(1.0)} {Metric(None, 'no masks')}" == "0.9732 1.0000 undefined (no masks)"
    printed = str(evaluate(*images()[:3], None))
    assert printed.startswith("{'image_auroc': 0.")
    assert printed.endswith("'aupro': undefined (no masks)}")


def test_evaluate_does_not_depend_on_the_order_of_the_images() -> None:
    maps, scores, labels, masks = images()
    order = np.random.default_rng(2).permutation(len(labels))
    metrics = evaluate(maps, scores, labels, masks)
    for name, metric in evaluate(maps[order], scores[order], labels[order], masks[order]).items():
        assert metric.value == pytest.approx(metrics[name].value, abs=1e-12)


def test_only_the_released_protocol_complements_and_only_the_two_aurocs() -> None:
    maps, scores, labels, masks = images()
    paper = evaluate(-maps, -scores, labels, masks)
    released = evaluate(-maps, -scores, labels, masks, "released")
    for name in METRIC_NAMES:
        if name in ("image_auroc", "pixel_auroc"):
            assert paper[name].value < 0.5
            assert released[name].value == 1 - paper[name].value
        else:
            assert released[name] == paper[name]
    assert evaluate(maps, scores, labels, masks, "released") == evaluate(maps, scores, labels, masks)


def test_without_masks_the_image_metrics_stand_and_the_others_say_no_masks() -> None:
    maps, scores, labels, masks = images()
    metrics = evaluate(maps, scores, labels, None, "released")
    full = evaluate(maps, scores, labels, masks)
    assert tuple(metrics) == METRIC_NAMES
    for name in METRIC_NAMES:
        assert metrics[name] == (full[name] if name.startswith("image") else Metric(None, "no masks"))


def test_normal_images_alone_leave_all_seven_undefined_under_both_protocols() -> None:
    maps, scores, labels, masks = (array[:6] for array in images())
    for protocol in ("paper", "released"):
        metrics = evaluate(maps, scores, labels, masks, protocol)
        assert [metric.value for metric in metrics.values()] == [None] * 7
        assert all(metric.reason for metric in metrics.values())


def test_no_image_at_all_leaves_all_seven_undefined() -> None:
    maps, scores, labels, masks = (array[:0] for array in images())
    assert all(metric.value is None and metric.reason for metric in evaluate(maps, scores, labels, masks).values())


def test_an_anomalous_image_with_an_empty_mask_counts_as_background() -> None:
    maps, scores, labels, masks = images()
    masks[7] = False
    metrics = evaluate(maps, scores, labels, masks)
    assert metrics["pixel_auroc"].value == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-12)


def test_evaluate_refuses_what_does_not_fit_together() -> None:
    maps, scores, labels, masks = images()
    broken = maps.copy()
    broken[4, 3, 2] = np.nan
    swapped = masks[::-1]
    for arguments, sentence in [
        ((broken, scores, labels, masks), "anomaly maps hold nan at image .* 4"),
        ((broken, scores, labels, None), "anomaly maps hold nan at image .* 4"),
        ((maps, scores[:5], labels, masks), r"image scores have shape \(5,\) but their labels \(12,\)"),
        ((maps[:5], scores, labels, masks), r"anomaly maps have shape \(5, 16, 16\) and the labels \(12,\)"),
        ((maps[:, 0], scores, labels, masks), r"give maps \(N, S, S\)"),
        ((maps, scores, labels, masks[:, :8]), r"masks have shape \(12, 8, 16\).*at the maps' size"),
        ((maps, scores, labels, masks * 255), "masks hold the value 255.*`mask > 0`"),
        ((maps, scores, labels, swapped), "Image 0 .* is labelled normal but its mask has anomalous pixels"),
    ]:
        with pytest.raises(InputError, match=sentence):
            evaluate(*arguments)


def test_mean_over_categories_is_plain_and_undefined_where_one_is() -> None:
    by_category = {
        "bottle": {"image_auroc": Metric(1.0), "aupro": Metric(0.9)},
        "cable": {"image_auroc": Metric(0.5), "aupro": Metric(None, "no masks")},
        "pill": {"image_auroc": Metric(0.9), "aupro": Metric(None, "no masks")},
    }
    mean = mean_over_categories(by_category)
    assert mean["image_auroc"] == Metric(pytest.approx(0.8, abs=1e-15))
    assert mean["aupro"] == Metric(None, "undefined for cable (no masks), pill (no masks)")


def test_mean_over_no_category_or_unlike_ones_is_refused() -> None:
    with pytest.raises(InputError, match="no category to average over"):
        mean_over_categories({})
    with pytest.raises(InputError, match="Category 'pill' has the metrics"):
        mean_over_categories({"cable": {"aupro": Metric(0.5)}, "pill": {"image_ap": Metric(0.5)}})
