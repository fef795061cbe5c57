"""How fast the pieces are, read from the record of `gradbook.bench.speed` and set in tables.

Explained in {ref}`ch-speed`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import Markdown

from gradbook.bench.records import read_measured
from gradbook.bench.timing import quartiles, ratio
from gradbook.page import markdown_table
from gradbook.paths import results_folder

SCHEMA = 1  # of the record, under its key "speed"
RECORD = "cost/speed.json"  # in gradbook.paths.results_folder()
RECORDS = "cost/speed*.json"  # that one, and what other processors measured of a step
GPU, GPU_SCHEMA = "cost/gpu.json", 1  # of `gradbook.bench.gpu`, under its key "gpu"
FAULTS, FAULTS_SCHEMA = "cost/faults.json", 1  # of `gradbook.bench.faults`, under its key "faults"
# in the order of measuring: the first two tell a process's memory, which grows with what was measured before
SECTIONS = ("metrics", "judging", "training", "lookups", "extraction", "inference")
GPU_MAKE = "`make gpu-bench` makes it on a machine with a GPU."
FAULTS_MAKE = "`python -m gradbook.bench.faults` makes it in some minutes."
COUNTS = ("kills", "two at once", "finished between")
MAKE = "`python -m gradbook.bench.speed` makes it in about half an hour."
BFLOAT16 = ("ours, bfloat16", "ours, bfloat16, compiled")
PRECISIONS = {"ours, float32": "32-true", **dict.fromkeys(BFLOAT16, "bf16-mixed")}


def read_speed(path: Path | None = None) -> dict[str, Any]:
    """The record of `gradbook.bench.speed`. Raises InputError if it is missing or of another kind."""
    return read_measured(results_folder() / RECORD if path is None else path, "speed", SCHEMA, MAKE)


def with_spread(values: Sequence[float] | np.ndarray, digits: int = 3) -> str:
    """Median and, in brackets, the quartiles, to so many significant digits."""
    low, middle, high = (
        f"{value:,.0f}" if value >= 10**digits else f"{value:#.{digits}g}".rstrip(".") for value in quartiles(values)
    )
    return f"{middle} ({low}–{high})"


def times(seconds: Mapping[str, Any], slow: str, fast: str) -> np.ndarray:
    """(rounds,) how many times `fast` goes into `slow`, round by round."""
    return ratio(seconds[slow]["rounds"], seconds[fast]["rounds"])


def best_step(found: Mapping[str, Any]) -> np.ndarray:
    """(rounds,) how many times as fast as the released way one psi's step is, by the faster of our ways in bfloat16."""
    way = min(BFLOAT16, key=lambda way: found["seconds"][way]["median"])
    return times(found["seconds"], "released way", way)


def training_table(record: Mapping[str, Any]) -> Markdown:
    """A training step of each psi and way: seconds, how often it goes into the released way, share of the peak."""
    section, rows = record["sections"]["training"], []
    for psi, found in section["by_psi"].items():
        for way, seconds in found["seconds"].items():
            share = ""
            if way in PRECISIONS:
                reached = found["step_flops"] / seconds["median"]
                share = f"{reached / section['peak_flops'][PRECISIONS[way]]:.0%}"
            faster = with_spread(times(found["seconds"], "released way", way))
            rows.append([psi, way, with_spread(seconds["rounds"]), faster, share])
    return markdown_table(["psi", "way", "seconds a step", "times as fast", "share of peak"], rows, text=2)


def peaks_table(record: Mapping[str, Any]) -> Markdown:
    """What these cores reach in a 3 x 3 convolution, by type of number."""
    peaks = record["sections"]["training"]["peak_flops"]
    slowest = min(peaks.values())
    rows = [[name, f"{peak / 1e9:,.0f}", f"{peak / slowest:.1f}"] for name, peak in peaks.items()]
    return markdown_table(["numbers", "10⁹ operations a second", "times as fast"], rows)


def processors_table(folder: Path | None = None) -> Markdown:
    """Each psi's step on each processor that measured it, and the ratio of a step that is operations at the peak."""
    rows = []
    for path in sorted((results_folder() if folder is None else folder).glob(RECORDS)):
        section = read_speed(path)["sections"]["training"]
        peak, best = section["peak_flops"]["bf16-mixed"], (section["instructions"] or ["unknown"])[-1]
        for psi, found in section["by_psi"].items():
            most = found["seconds"]["released way"]["median"] / (found["step_flops"] / peak)
            rows.append([f"`{best}`", psi, with_spread(best_step(found)), f"{most:.1f}"])
    return markdown_table(["best instructions", "psi", "times as fast", "most possible"], rows, text=2)


def purposes_table(record: Mapping[str, Any]) -> Markdown:
    """What our step in bfloat16 spends its time on, in percent, for each psi."""
    found = record["sections"]["training"]["by_psi"]
    purposes = next(iter(found.values()))["purposes"]
    rows = [[purpose, *[f"{psi['purposes'][purpose]:.1%}" for psi in found.values()]] for purpose in purposes]
    return markdown_table(["purpose", *found], rows)


def lookups_table(record: Mapping[str, Any]) -> Markdown:
    """How many times as fast as `grid_sample` each lookup is, alone and with its gradients."""
    rows = []
    for name, passes in record["sections"]["lookups"]["by_lookup"].items():
        faster = [with_spread(times(passes[kind], "grid_sample", "ours")) for kind in ("forward", "gradients")]
        rows.append([name, f"{1e3 * passes['forward']['ours']['median']:.2f}", *faster])
    return markdown_table(["lookup", "ours, ms", "forward, times as fast", "with gradients, times as fast"], rows)


def extraction_table(record: Mapping[str, Any]) -> Markdown:
    """Photographs a second through each stage from file to features, and the cache's size."""
    rows = []
    for name, found in record["sections"]["extraction"]["by_backbone"].items():
        rates = [with_spread(1 / np.asarray(seconds["rounds"])) for seconds in found["seconds"].values()]
        rows.append([f"{name}, map {found['map_size']}", *rates, f"{found['bytes'] / 1e3:.0f}"])
    headings = ["backbone", "decoding", "backbone alone", "into the cache", "out of the cache", "kB an image"]
    return markdown_table(headings, rows)


def inference_table(record: Mapping[str, Any], batch: int) -> Markdown:
    """Milliseconds from one photograph to its map, for each way and N, in batches of so many."""
    points = [point for point in record["sections"]["inference"]["points"] if point["batch"] == batch]
    sizes = sorted({point["N"] for point in points})
    rows = []
    for way in dict.fromkeys(point["way"] for point in points):
        by_size = {point["N"]: point["seconds"]["rounds"] for point in points if point["way"] == way}
        rows.append([way, *[with_spread(1e3 * np.asarray(by_size[N])) if N in by_size else "" for N in sizes]])
    return markdown_table(["way", *[f"N = {N:,}" for N in sizes]], rows)


def memory_over_grad(record: Mapping[str, Any], memory: str, N: int, batch: int) -> Markdown:
    """How many times a memory's photograph takes as long as GRAD's, for each psi of GRAD."""
    points = record["sections"]["inference"]["points"]
    seconds = {point["way"]: point["seconds"] for point in points if (point["N"], point["batch"]) == (N, batch)}
    rows = [[way, with_spread(times(seconds, memory, way))] for way in seconds if way.startswith("GRAD")]
    return markdown_table(["way", f"{memory}: times as slow"], rows)


def metrics_table(record: Mapping[str, Any]) -> Markdown:
    """Seconds and memory of the metrics, and the largest difference of their values from scikit-learn's."""
    ways, rows = record["sections"]["metrics"]["by_way"], []
    for way, found in ways.items():
        values = ways["scikit-learn"]["values"]
        apart = max(abs(found["values"][name] - values[name]) for name in values)
        memory = [f"{found[key] / 1e9:.2f}" for key in ("peak_bytes", "input_bytes")]
        rows.append([way, str(len(found["values"])), with_spread(found["seconds"]["rounds"]), *memory, f"{apart:.0e}"])
    headings = ["way", "metrics", "seconds", "peak, GB", "of which the maps, GB", "largest difference"]
    return markdown_table(headings, rows)


def judging_table(record: Mapping[str, Any]) -> Markdown:
    """Resident memory of the judging command after so many photographs, in MB."""
    points = record["sections"]["judging"]["points"]
    rows = [
        [f"{p['photographs']:,}{', page written' if 'page' in p else ''}", f"{p['bytes'] / 1e6:,.0f}"] for p in points
    ]
    return markdown_table(["photographs", "resident, MB"], rows)


def gpu_table(path: Path | None = None) -> Markdown:
    """What a CUDA device measured: steps, a whole training, extraction, accuracy; a sentence where there is no record.

    Raises InputError for a record of another kind.
    """
    path = results_folder() / GPU if path is None else path
    if not path.exists():
        return Markdown("*No record of a GPU is committed: `make gpu-bench` makes one on a machine that has one.*")
    record = read_measured(path, "gpu", GPU_SCHEMA, GPU_MAKE)
    rows = [["device", str(record["provenance"]["device"])]]
    for psi, seconds in record.get("steps", {}).items():
        for way in list(seconds)[1:]:
            faster = with_spread(times(seconds, "released way", way))
            rows.append([f"training step, {psi}, {way}: times as fast as the released way", faster])
    if training := record.get("training"):
        what = f"{training['epochs']} epochs of {training['images']:,} images (random features), seconds"
        rows += [[what, f"{training['seconds']:,.0f}"], ["share of peak", f"{training['share_of_peak']:.0%}"]]
    if extraction := record.get("extraction"):
        rows.append(["photographs a second through the backbone", f"{extraction['images_a_second']:,.0f}"])
    for metric, value in record.get("accuracy", {}).get("mean", {}).items():
        rows.append([f"real classes, {metric}, percent", "" if value is None else f"{100 * value:.1f}"])
    return markdown_table(["measured", "value"], rows)


def faults_table(path: Path | None = None) -> Markdown:
    """How often each kind of work was killed; the record exists only where nothing was lost."""
    record = read_measured(results_folder() / FAULTS if path is None else path, "faults", FAULTS_SCHEMA, FAULTS_MAKE)
    rows = [[work, *[str(found[name]) for name in COUNTS]] for work, found in record["works"].items()]
    rows.append(["**all**", *[f"**{sum(found[name] for found in record['works'].values())}**" for name in COUNTS]])
    return markdown_table(["work", *COUNTS], rows)
