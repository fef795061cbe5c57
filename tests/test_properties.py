"""Properties that hold for any input, tried on random ones: lookups, metrics, readers, files."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score
from torch.nn import functional as F

from gradbook.study.record import read_results
from gradlib.checkpoint import load_model
from gradlib.data.images import read_image
from gradlib.data.readers import load_dataset
from gradlib.errors import InputError
from gradlib.grids import interpolate, knot_position
from gradlib.metrics.curves import auroc, average_precision, f1_max
from gradlib.metrics.region_overlap import aupro
from gradlib.scores import anomaly_map, image_score

settings.register_profile("book", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("book")

coordinates = st.lists(st.floats(-1.5, 1.5, width=32), min_size=1, max_size=8)
seeds = st.integers(0, 2**31 - 1)


def random_grid(seed: int, D: int, R: int) -> torch.Tensor:
    return torch.randn(*[R] * D, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))  # (R, ..., 3)


@given(seeds, st.integers(1, 3), st.integers(2, 9), coordinates)
def test_a_reading_lies_between_the_entries(seed: int, D: int, R: int, c: list[float]) -> None:
    G = random_grid(seed, D, R)
    v = knot_position(torch.tensor(c, dtype=torch.float64), R)[:, None].expand(-1, D)  # (N, D)
    out = interpolate(G, v)  # (N, 3)
    entries = G.reshape(-1, 3)
    assert (out >= entries.amin(dim=0) - 1e-9).all()
    assert (out <= entries.amax(dim=0) + 1e-9).all()


@given(seeds, st.integers(2, 9), st.booleans(), st.sampled_from(["border", "zeros"]), coordinates)
def test_a_reading_is_grid_samples(seed: int, R: int, aligned: bool, padding: str, c: list[float]) -> None:
    G = random_grid(seed, 2, R)
    place = torch.tensor(c, dtype=torch.float64)
    c = torch.stack([place, place.flip(0)], dim=1)  # (N, 2)
    ours = interpolate(G, knot_position(c, R, align_corners=aligned), padding_mode=padding)  # (N, 3)
    picture, xy = G.permute(2, 0, 1)[None], c.flip(1)[None, None]  # (1, 3, R, R), (1, 1, N, 2)
    theirs = F.grid_sample(picture, xy, align_corners=aligned, padding_mode=padding)  # (1, 3, 1, N)
    torch.testing.assert_close(ours, theirs[0, :, 0].T, atol=1e-9, rtol=1e-9)


scored = st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.integers(0, 1)), min_size=2, max_size=60)


@given(scored)
def test_metrics_are_scikit_learn_s_and_ask_for_the_order_alone(pairs: list[tuple[float, int]]) -> None:
    scores, labels = np.array([p[0] for p in pairs], np.float32), np.array([p[1] for p in pairs])
    assume(0 < labels.sum() < len(labels))
    assert auroc(scores, labels).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(scores, labels).value == pytest.approx(average_precision_score(labels, scores), abs=1e-9)
    ranks = np.unique(scores, return_inverse=True)[1]  # another increasing sequence with the same ties
    for metric in (auroc, average_precision, f1_max):
        assert metric(scores, labels).value == pytest.approx(metric(ranks, labels).value, abs=1e-12)
    assert auroc(scores, labels).value + auroc(-scores, labels).value == pytest.approx(1, abs=1e-12)


@given(seeds, st.integers(1, 3), st.integers(2, 12), st.floats(0.05, 1.0))
def test_aupro_is_a_share_and_a_perfect_map_has_all_of_it(seed: int, N: int, S: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    masks, maps = rng.random((N, S, S)) < 0.3, rng.random((N, S, S))
    assume(masks.any() and not masks.all())
    assert 0 <= aupro(maps, masks, limit).value <= 1
    assert aupro(masks.astype(float), masks, limit).value == pytest.approx(1)


@given(seeds, st.integers(1, 20), st.integers(1, 20), st.integers(1, 60))
def test_a_score_lies_within_its_map_and_a_map_within_d(seed: int, H: int, W: int, size: int) -> None:
    d = torch.rand(2, H, W, generator=torch.Generator().manual_seed(seed))
    maps = anomaly_map(d, size)  # (2, S, S)
    score = image_score(maps)  # (2,)
    assert (maps <= d.amax(dim=(1, 2), keepdim=True) + 1e-5).all()
    assert (score <= maps.amax(dim=(1, 2)) + 1e-5).all()
    assert (score >= maps.amin(dim=(1, 2)) - 1e-5).all()


def refused(call: Callable[[], object]) -> str | None:
    """The message of an InputError, None if there is none; any other error fails the test."""
    try:
        call()
    except InputError as refusal:
        return str(refusal)
    return None


def picture(format: str, mode: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((23, 17), 60).convert(mode).save(file, format)
    return file.getvalue()


PICTURES = [picture(*kind) for kind in (("PNG", "RGB"), ("PNG", "P"), ("JPEG", "L"), ("BMP", "RGB"), ("TIFF", "RGB"))]
damage = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6)


@given(content=st.sampled_from(PICTURES), spots=damage, share=st.floats(0, 1), tail=st.binary(max_size=8))
def test_a_damaged_image_is_read_or_refused_with_a_sentence(
    content: bytes, spots: list[tuple[float, int]], share: float, tail: bytes, tmp_path: Path
) -> None:
    damaged = bytearray(content)
    for place, value in spots:
        damaged[int(place * (len(damaged) - 1))] = value
    path = tmp_path / "image.png"
    path.write_bytes(bytes(damaged[: int(share * len(damaged))]) + tail)
    refusal = refused(lambda: read_image(path))
    assert refusal is None or "image.png" in refusal


names = st.sampled_from(["train", "test", "good", "bad", "ground_truth", "a.png", "b.png", "b_mask.png", "c.txt", "."])


@given(paths=st.lists(st.lists(names, min_size=1, max_size=4), max_size=8))
def test_any_folder_is_a_data_set_or_refused_with_a_sentence(paths: list[list[str]], tmp_path_factory) -> None:
    root = tmp_path_factory.mktemp("folder")
    for parts in paths:
        path = root.joinpath("thing", *parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PICTURES[0])
        except OSError:  # the same name as file and as folder
            continue
    refusal = refused(lambda: load_dataset("folder", root))
    assert refusal is None or str(root) in refusal


values = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5)
records = st.dictionaries(st.sampled_from(["schema", "classes", "mean", "experiment", "digest"]), values, max_size=5)


@given(content=st.binary(max_size=40) | records.map(lambda r: json.dumps(r).encode()))
def test_any_file_that_is_no_record_is_refused_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"results\.json"):
        read_results(path)


@given(content=st.binary(max_size=200))
def test_any_file_that_is_no_model_is_refused_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors"):
        load_model(path)
