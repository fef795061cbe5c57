"""The record of speed: its tables, the committed numbers, and the ways that are compared."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gradbook.bench import extraction, gpu, inference, lookups, metrics, tables, timing
from gradbook.bench.released import CompleteBackbone, SampledGRAD, SampledGrid, released_step
from gradbook.bench.speed import MATRIX_INSTRUCTIONS
from gradbook.bench.timing import summary
from gradbook.paths import repository
from gradbook.study.record import write_json
from gradlib.config import GradConfig, TrainConfig
from gradlib.errors import InputError
from gradlib.grids import Grid
from gradlib.metrics.evaluation import evaluate
from gradlib.model import GRAD
from gradlib.presets import PRESETS

SMALL = GradConfig(channels=216, map_size=(6, 6), fusion="mobile", blocks=1, width=16, concat="global_local")
COMMITTED = repository() / "data" / "results" / tables.RECORD


def ways(**seconds: list[float]) -> dict:
    return {name: summary(values) for name, values in seconds.items()}


@pytest.fixture
def record() -> dict:
    """A record with numbers that are easy to follow."""
    step = {
        "step_flops": 60,
        "seconds": {"released way": summary([8.0, 12.0]), "ours, float32": summary([4.0, 4.0])},
        "purposes": {"convolutions": 0.75, "the rest": 0.25},
    }
    points = [
        {"way": way, "N": N, "batch": 1, "seconds": summary([value, value])}
        for way, N, value in (("GRAD, psi of lite", 100, 0.1), ("memory", 100, 0.2), ("memory", 1000, 2.0))
    ]
    values = {"image_auroc": 0.5, "pixel_ap": 0.25}
    size = {"peak_bytes": 2e9, "input_bytes": 1e9}
    return {
        "speed": tables.SCHEMA,
        "sections": {
            "training": {"batch": 16, "peak_flops": {"32-true": 30, "bf16-mixed": 60}, "by_psi": {"crad": step}},
            "lookups": {
                "by_lookup": {
                    "local": {k: ways(ours=[1.0], grid_sample=[v]) for k, v in (("forward", 2.0), ("gradients", 3.0))}
                }
            },
            "extraction": {
                "by_backbone": {
                    "net": {"map_size": 14, "bytes": 5000, "seconds": ways(a=[0.5], b=[2.0], c=[1.0], d=[1.0])}
                }
            },
            "inference": {"points": points},
            "metrics": {
                "by_way": {
                    "ours": {**size, "seconds": summary([3.0]), "values": {**values, "pixel_ap": 0.25 + 1e-9}},
                    "scikit-learn": {**size, "seconds": summary([9.0]), "values": values},
                }
            },
            "judging": {"points": [{"photographs": 10, "bytes": 5e6}, {"photographs": 10, "bytes": 6e6, "page": True}]},
        },
    }


def rows(table: object) -> list[list[str]]:
    """The cells of a Markdown table below its headings."""
    lines = table.data.splitlines()[2:]  # type: ignore[attr-defined]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_step_is_written_as_a_ratio_and_a_share(record: dict) -> None:
    released, ours = rows(tables.training_table(record))
    assert released == ["crad", "released way", "10.0 (9.00–11.0)", "1.00 (1.00–1.00)", ""]
    assert ours == ["crad", "ours, float32", "4.00 (4.00–4.00)", "2.50 (2.25–2.75)", "50%"]
    assert rows(tables.purposes_table(record)) == [["convolutions", "75.0%"], ["the rest", "25.0%"]]
    np.testing.assert_allclose(
        tables.speedup(record["sections"]["training"]["by_psi"]["crad"]["seconds"], "released way", "ours, float32"),
        [2, 3],
    )


def test_the_other_tables(record: dict) -> None:
    assert rows(tables.lookups_table(record)) == [["local", "1000.00", "2.00 (2.00–2.00)", "3.00 (3.00–3.00)"]]
    assert rows(tables.extraction_table(record))[0][:3] == ["net, map 14", "2.00 (2.00–2.00)", "0.500 (0.500–0.500)"]
    assert rows(tables.inference_table(record, batch=1)) == [
        ["GRAD, psi of lite", "100 (100–100)", ""],
        ["memory", "200 (200–200)", "2,000 (2,000–2,000)"],
    ]
    assert rows(tables.memory_over_grad(record, "memory", 100, batch=1)) == [["GRAD, psi of lite", "2.00 (2.00–2.00)"]]
    ours, theirs = rows(tables.metrics_table(record))
    assert (ours[0], ours[1], ours[-1], theirs[-1]) == ("ours", "2", "1e-09", "0e+00")
    assert rows(tables.judging_table(record)) == [["10", "5"], ["10, page written", "6"]]


def test_peaks_stand_beside_the_slowest(record: dict) -> None:
    record["sections"]["training"]["peak_flops"] = {"32-true": 2e11, "bf16-mixed": 9e11}
    assert rows(tables.peaks_table(record)) == [["32-true", "200", "1.0"], ["bf16-mixed", "900", "4.5"]]


def test_processors_stand_beside_each_other(record: dict, tmp_path: Path) -> None:
    step = record["sections"]["training"]["by_psi"]["crad"]
    step["seconds"] |= {"ours, bfloat16": summary([2.5, 2.5]), "ours, bfloat16, compiled": summary([2.0, 2.0])}
    (tmp_path / "cost").mkdir()
    for name, instructions in (("speed.json", ["avx2", "amx_bf16"]), ("speed-old.json", [])):
        record["sections"]["training"]["instructions"] = instructions
        write_json(tmp_path / "cost" / name, record)
    expected = ["crad", "5.00 (4.50–5.50)", "10.0"]  # 10 s; 60 operations at 60 a second
    assert rows(tables.processors_table(tmp_path)) == [["`unknown`", *expected], ["`amx_bf16`", *expected]]


def test_kills_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    with pytest.raises(InputError, match=r"python -m gradbook\.bench\.faults"):
        tables.faults_table(path)
    work = dict(zip(tables.COUNTS, (3, 1, 2), strict=True))
    write_json(path, {"faults": tables.FAULTS_SCHEMA, "works": {"cache": work, "model": work}})
    assert rows(tables.faults_table(path))[-1] == ["**all**", "**6**", "**2**", "**4**"]


def test_committed_records_hold_every_section_and_enough_kills() -> None:
    record = tables.read_speed(COMMITTED)
    assert set(record["sections"]) == set(tables.SECTIONS)
    others = [tables.read_speed(path)["sections"] for path in COMMITTED.parent.glob("speed-*.json")]
    for section in [section for sections in (record["sections"], *others) for section in sections.values()]:
        assert not section["provenance"]["uncommitted_changes"]
        assert set(section["instructions"]) <= set(MATRIX_INSTRUCTIONS)
    works = json.loads((COMMITTED.parent / "faults.json").read_text())["works"]
    assert sum(work["kills"] for work in works.values()) >= 200


def test_the_metrics_of_the_record_are_scikit_learn_s() -> None:
    ways = tables.read_speed(COMMITTED)["sections"]["metrics"]["by_way"]
    for name, value in ways["scikit-learn"]["values"].items():
        assert ways["ours"]["values"][name] == pytest.approx(value, abs=1e-6)
    assert len(ways["ours"]["values"]) == 7


def test_released_way_computes_what_ours_does() -> None:
    torch.manual_seed(0)
    ours = GRAD(SMALL).eval()
    theirs = SampledGRAD(ours, SMALL).eval()
    x = torch.randn(2, 216, 6, 6)
    with torch.no_grad():
        for one, other in zip(ours(x), theirs(x), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_released_step_learns_on_images() -> None:
    step = released_step(SMALL, TrainConfig(epochs=1, batch_size=2))
    first = step()
    for _ in range(3):
        last = step()
    assert last < first
    assert CompleteBackbone()(torch.zeros(1, 3, 64, 64), (6, 6)).shape == (1, 216, 6, 6)


@pytest.mark.parametrize("name", [*lookups.lookup_cases()])
def test_lookups_that_are_compared_read_the_same(name: str) -> None:
    grid, c, shape = lookups.lookup_cases()[name]
    torch.testing.assert_close(grid(c), SampledGrid(grid, shape)(c), rtol=1e-4, atol=1e-6)
    assert isinstance(grid, Grid)


def test_both_ways_to_the_metrics_agree() -> None:
    maps, scores, labels, masks = metrics.random_arrays(8)
    theirs = metrics.evaluate_by_sklearn(maps, scores, labels, masks)
    ours = evaluate(maps, scores, labels, masks)
    assert {name: ours[name].value for name in theirs} == pytest.approx(theirs, abs=1e-6)


def test_every_way_of_inference_gives_a_map() -> None:
    x = torch.randn(2, 8, inference.H, inference.W)
    for way in inference.ways_to_distance(1, 8).values():
        with torch.no_grad():
            assert way(x).shape == (2, inference.H, inference.W)


def test_extraction_reads_what_it_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "IMAGES", 4)
    monkeypatch.setattr(extraction, "BACKBONES", {"tf_efficientnet_lite0": (False, 14)})
    monkeypatch.setattr(timing, "QUICK", 0.0)
    (stages,) = extraction.measure(1)["by_backbone"].values()
    assert set(stages["seconds"]) == {"decoding", "backbone", "into the cache", "out of the cache"}
    assert stages["bytes"] > 152 * 14 * 14 * 4


def test_presets_of_the_benchmarks_exist() -> None:
    assert set(inference.PSI.values()) <= set(PRESETS)


def test_a_trial_of_the_gpu_benchmark(
    tmp_path: Path, tiny_mvtec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CACHE", "RUNS"):
        monkeypatch.setenv(f"GRAD_{name}", str(tmp_path / name))
    out = tmp_path / "gpu.json"
    few = ["--psi", "lite", "--rounds", "1", "--images", "2", "--epochs", "1", "--batch", "1", "--out", str(out)]
    real = ["--mvtec", str(tiny_mvtec), "--backbone", "tf_efficientnet_lite0", "--preset", "lite"]
    assert gpu.main(["--device", "cpu", *few, *real]) == 0
    record = json.loads(out.read_text())
    assert record["training"]["images"] == 2
    assert "training" in record["random"]
    assert "accuracy" not in record["random"]
    assert record["training"]["flops_a_second"] > 0
    assert record["accuracy"]["experiment"]["backbone"] == "tf_efficientnet_lite0"
    cells = dict(rows(tables.gpu_table(out)))
    assert cells["device"].startswith("CPU")
    assert {
        "share of peak",
        "1 epochs of 2 images (random features), seconds",
        "real classes, image_auroc, percent",
    } <= cells.keys()
    assert any(name.startswith("training step, lite, ours") for name in cells)
    assert gpu.main(["--device", "cpu", *few, "--mvtec", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert "training" in json.loads(out.read_text())  # the parts measured before the error


def test_without_a_gpu_nothing_is_measured_and_the_page_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    if not torch.cuda.is_available():
        assert gpu.main(["--out", str(out)]) == 2
        assert "not available here" in capsys.readouterr().err
    assert "make gpu-bench" in tables.gpu_table(out).data
    out.write_text("{}")
    with pytest.raises(InputError, match="make gpu-bench"):
        tables.gpu_table(out)
