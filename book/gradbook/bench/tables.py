"""Tables of the measured times and memory, from the records of `gradbook.bench.speed`, `gpu` and `faults`.

A cell of seconds or ratios holds the median over the rounds and the quartiles. Explained in {ref}`ch-speed`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import Markdown

from gradbook.bench.records import read_measured
from gradbook.bench.timing import quartile_text, ratio
from gradbook.page import markdown_table
from gradbook.paths import results_folder

SCHEMA = 1  # of the record, under its key "speed"
RECORD = "cost/speed.json"  # in gradbook.paths.results_folder()
RECORDS = "cost/speed*.json"  # that one, and the training steps of other processors
GPU, GPU_SCHEMA = "cost/gpu.json", 1  # of `gradbook.bench.gpu`, under its key "gpu"
FAULTS, FAULTS_SCHEMA = "cost/faults.json", 1  # of `gradbook.bench.faults`, under its key "faults"
# in the order of measuring: the first two report a process's memory, which earlier measurements would increase
SECTIONS = ("metrics", "judging", "training", "lookups", "extraction", "inference")
GPU_MAKE = "`make gpu-bench` makes it on a machine with a GPU."
FAULTS_MAKE = "`python -m gradbook.bench.faults` makes it in some minutes."
COUNTS = ("kills", "two at once", "finished between")
MAKE = "`python -m gradbook.bench.speed` makes it in about half an hour."
BFLOAT16 = ("ours, bfloat16", "ours, bfloat16, compiled")
PRECISIONS = {"ours, float32": "32-true", **dict.fromkeys(BFLOAT16, "bf16-mixed")}


def read_speed(path: Path | None = None) -> dict[str, Any]:
    """The record of `gradbook.bench.speed`; path: default the committed one.

    Raises InputError if it is missing or of another kind.
    """
    return read_measured(results_folder() / RECORD if path is None else path, "speed", SCHEMA, MAKE)


def speedup(seconds: Mapping[str, Any], slow: str, fast: str) -> np.ndarray:
    """How many times as fast as `slow` the way `fast` is, (rounds,); seconds: way -> summary of its rounds."""
    return ratio(seconds[slow]["rounds"], seconds[fast]["rounds"])


def best_speedup(step: Mapping[str, Any]) -> np.ndarray:
    """How many times as fast as the released way a psi's step is, (rounds,), by the faster of our ways in bfloat16."""
    way = min(BFLOAT16, key=lambda way: step["seconds"][way]["median"])
    return speedup(step["seconds"], "released way", way)


def training_table(record: Mapping[str, Any]) -> Markdown:
    """A training step of each psi and way: seconds, speed-up over the released way, and share of peak FLOP/s."""
    section, rows = record["sections"]["training"], []
    for psi, step in section["by_psi"].items():
        for way, seconds in step["seconds"].items():
            share = ""
            if way in PRECISIONS:
                flops = step["step_flops"] / seconds["median"]  # FLOP/s
                share = f"{flops / section['peak_flops'][PRECISIONS[way]]:.0%}"
            faster = quartile_text(speedup(step["seconds"], "released way", way))
            rows.append([psi, way, quartile_text(seconds["rounds"]), faster, share])
    return markdown_table(["psi", "way", "seconds a step", "times as fast", "share of peak"], rows, text=2)


def peaks_table(record: Mapping[str, Any]) -> Markdown:
    """Operations a second in a 3 x 3 convolution, by number format, and the speed-up over the slowest."""
    peaks = record["sections"]["training"]["peak_flops"]
    slowest = min(peaks.values())
    rows = [[name, f"{peak / 1e9:,.0f}", f"{peak / slowest:.1f}"] for name, peak in peaks.items()]
    return markdown_table(["numbers", "10⁹ operations a second", "times as fast"], rows)


def processors_table(folder: Path | None = None) -> Markdown:
    """Each psi's step on each measured processor: its speed-up, and the one it would have at peak FLOP/s."""
    rows = []
    for path in sorted((results_folder() if folder is None else folder).glob(RECORDS)):
        section = read_speed(path)["sections"]["training"]
        peak, best = section["peak_flops"]["bf16-mixed"], (section["instructions"] or ["unknown"])[-1]
        for psi, step in section["by_psi"].items():
            at_peak = step["step_flops"] / peak  # seconds
            limit = step["seconds"]["released way"]["median"] / at_peak
            rows.append([f"`{best}`", psi, quartile_text(best_speedup(step)), f"{limit:.1f}"])
    return markdown_table(["best instructions", "psi", "times as fast", "most possible"], rows, text=2)


def purposes_table(record: Mapping[str, Any]) -> Markdown:
    """Where the time of our step in bfloat16 goes, in percent, for each psi."""
    by_psi = {psi: step["purposes"] for psi, step in record["sections"]["training"]["by_psi"].items()}
    purposes = next(iter(by_psi.values()))
    rows = [[purpose, *[f"{shares[purpose]:.1%}" for shares in by_psi.values()]] for purpose in purposes]
    return markdown_table(["purpose", *by_psi], rows)


def lookups_table(record: Mapping[str, Any]) -> Markdown:
    """The speed-up of each lookup over `grid_sample`, alone and with its gradients."""
    rows = []
    for name, passes in record["sections"]["lookups"]["by_lookup"].items():
        faster = [quartile_text(speedup(passes[kind], "grid_sample", "ours")) for kind in ("forward", "gradients")]
        rows.append([name, f"{1e3 * passes['forward']['ours']['median']:.2f}", *faster])
    return markdown_table(["lookup", "ours, ms", "forward, times as fast", "with gradients, times as fast"], rows)


def extraction_table(record: Mapping[str, Any]) -> Markdown:
    """Images a second through each stage from file to features, and the cache's size."""
    rows = []
    for name, stages in record["sections"]["extraction"]["by_backbone"].items():
        rates = [quartile_text(1 / np.asarray(seconds["rounds"])) for seconds in stages["seconds"].values()]
        rows.append([f"{name}, map {stages['map_size']}", *rates, f"{stages['bytes'] / 1e3:.0f}"])
    headings = ["backbone", "decoding", "backbone alone", "into the cache", "out of the cache", "kB an image"]
    return markdown_table(headings, rows)


def inference_table(record: Mapping[str, Any], batch: int) -> Markdown:
    """Milliseconds from one image to its map, for each way and number N of training images, at one batch size."""
    points = [point for point in record["sections"]["inference"]["points"] if point["batch"] == batch]
    sizes = sorted({point["N"] for point in points})
    rows = []
    for way in dict.fromkeys(point["way"] for point in points):
        by_size = {point["N"]: point["seconds"]["rounds"] for point in points if point["way"] == way}
        rows.append([way, *[quartile_text(1e3 * np.asarray(by_size[N])) if N in by_size else "" for N in sizes]])
    return markdown_table(["way", *[f"N = {N:,}" for N in sizes]], rows)


def memory_over_grad(record: Mapping[str, Any], memory: str, N: int, batch: int) -> Markdown:
    """How many times as long as GRAD a memory takes for an image, for each psi of GRAD."""
    points = record["sections"]["inference"]["points"]
    seconds = {point["way"]: point["seconds"] for point in points if (point["N"], point["batch"]) == (N, batch)}
    rows = [[way, quartile_text(speedup(seconds, memory, way))] for way in seconds if way.startswith("GRAD")]
    return markdown_table(["way", f"{memory}: times as slow"], rows)


def metrics_table(record: Mapping[str, Any]) -> Markdown:
    """Seconds and memory of the metrics, and the largest difference of their values from scikit-learn's."""
    ways, rows = record["sections"]["metrics"]["by_way"], []
    expected = ways["scikit-learn"]["values"]
    for way, measured in ways.items():
        values, seconds = measured["values"], quartile_text(measured["seconds"]["rounds"])
        gap = max(abs(values[name] - expected[name]) for name in expected)
        memory = [f"{measured[key] / 1e9:.2f}" for key in ("peak_bytes", "input_bytes")]
        rows.append([way, str(len(values)), seconds, *memory, f"{gap:.0e}"])
    headings = ["way", "metrics", "seconds", "peak, GB", "of which the maps, GB", "largest difference"]
    return markdown_table(headings, rows)


def judging_table(record: Mapping[str, Any]) -> Markdown:
    """Resident memory of the judging command by the number of images judged, in MB."""
    points = record["sections"]["judging"]["points"]
    rows = [
        [f"{p['photographs']:,}{', page written' if 'page' in p else ''}", f"{p['bytes'] / 1e6:,.0f}"] for p in points
    ]
    return markdown_table(["images", "resident, MB"], rows)


def gpu_table(path: Path | None = None) -> Markdown:
    """Results of a CUDA device: steps, a complete training, extraction and accuracy; one sentence if none is committed.

    Raises InputError for a record of another kind.
    """
    path = results_folder() / GPU if path is None else path
    if not path.exists():
        return Markdown("*No record of a GPU is committed: `make gpu-bench` makes one on a machine that has one.*")
    record = read_measured(path, "gpu", GPU_SCHEMA, GPU_MAKE)
    rows = [["device", str(record["provenance"]["device"])]]
    for psi, seconds in record.get("steps", {}).items():
        for way in list(seconds)[1:]:
            faster = quartile_text(speedup(seconds, "released way", way))
            rows.append([f"training step, {psi}, {way}: times as fast as the released way", faster])
    if training := record.get("training"):
        what = f"{training['epochs']} epochs of {training['images']:,} images (random features), seconds"
        rows += [[what, f"{training['seconds']:,.0f}"], ["share of peak", f"{training['share_of_peak']:.0%}"]]
    if extraction := record.get("extraction"):
        rows.append(["images a second through the backbone", f"{extraction['images_a_second']:,.0f}"])
    for metric, value in record.get("accuracy", {}).get("mean", {}).items():
        rows.append([f"real classes, {metric}, percent", "" if value is None else f"{100 * value:.1f}"])
    return markdown_table(["measured", "value"], rows)


def faults_table(path: Path | None = None) -> Markdown:
    """How often each kind of work was killed; a record is only written if nothing was lost.

    Raises InputError if it is missing or of another kind.
    """
    record = read_measured(results_folder() / FAULTS if path is None else path, "faults", FAULTS_SCHEMA, FAULTS_MAKE)
    rows = [[work, *[str(counts[name]) for name in COUNTS]] for work, counts in record["works"].items()]
    rows.append(["**all**", *[f"**{sum(counts[name] for counts in record['works'].values())}**" for name in COUNTS]])
    return markdown_table(["work", *COUNTS], rows)
