"""Tables of recorded runs for the chapters, as Markdown from pandas frames: no number in the book is typed by hand."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd
from IPython.display import Markdown
from numpy.typing import ArrayLike

from gradbook.page import markdown_table
from gradbook.study.bootstrap import Comparison, interval
from gradbook.study.statistics import Record, Rows, compare, replicates, tidy_metrics, values
from gradlib.metrics.ranking import METRIC_NAMES

ByMetric = Mapping[str, Mapping[str, Comparison | None]]  # metric -> name of a pair -> its comparison
BOTH = ("image_auroc", "pixel_auroc")
DASH = "–"  # in a cell without a value
MISSING = "No such run is committed in data/results yet: `make results` makes it."
HEADINGS = {
    "image_auroc": "image AUROC",
    "image_ap": "image AP",
    "image_f1max": "image F1-max",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel AP",
    "pixel_f1max": "pixel F1-max",
    "aupro": "AUPRO",
}


def in_percent(shares: ArrayLike) -> str:
    """Mean over runs ± standard deviation (n - 1) in percent; without deviation for one run.

    shares (seeds,). A dash if there is none or one is undefined (NaN).
    """
    shares = np.asarray(shares, float)
    if not len(shares) or np.isnan(shares).any():
        return DASH
    deviation = f" ± {100 * shares.std(ddof=1):.2f}" if len(shares) > 1 else ""
    return f"{100 * shares.mean():.2f}{deviation}".replace(" ", "\N{NO-BREAK SPACE}")


def cells(rows: Rows) -> pd.Series:
    """`in_percent` over the runs of each row, by row, category and metric."""
    return tidy_metrics(rows).groupby(["row", "category", "metric"], sort=False)["value"].agg(in_percent)


def markdown(table: pd.DataFrame) -> Markdown:
    """A frame of texts as a Markdown table: its index, under the index's name, is the first column."""
    table = table.astype(object).fillna(DASH)
    lines = [[str(name), *line] for name, line in zip(table.index, table.to_numpy().tolist(), strict=True)]
    return markdown_table([table.index.name or "", *table.columns], lines)


def source(records: Sequence[Record]) -> str:
    """Where the numbers of records come from: data, settings, seeds, commits and devices, as one sentence.

    The settings of training are named if all runs are GRAD's; other methods record them without using all.
    """
    about = pd.DataFrame([record["experiment"] for record in records])
    counts = pd.DataFrame(
        [{"category": c, **n} for record in records for c, n in record["data"]["counts"].items()]
    ).groupby("category", sort=False)
    images = ", ".join(f"{c} {distinct(sorted(n['train']))} / {distinct(n['test'])}" for c, n in counts)
    parts = [f"{distinct(about['dataset'])} ({images} training / test images)"]
    parts += [distinct(about[name]) for name in ("setting", "backbone")]
    if (about["method"] == "grad").all():
        seconds = [record["seconds"]["training"] for record in records]
        parts += [distinct(about["preset"]), f"map {distinct(about['map_size'])}"]
        parts += [f"{distinct(about['epochs'])} epochs", f"training {min(seconds):.0f} to {max(seconds):.0f} s"]
    parts += ["last epoch", f"seeds {distinct(sorted(about['seed']), ', ')}", f"protocol {distinct(about['protocol'])}"]
    commits = sorted((record["provenance"]["commit"] or "unknown")[:9] for record in records)
    devices = sorted(record["provenance"]["device"] for record in records)
    return ", ".join([*parts, f"commit {distinct(commits, ', ')}", distinct(devices, "; ")])


def distinct(items: Sequence[object], separator: str = " or ") -> str:
    """The different items in their order, as text."""
    return separator.join(dict.fromkeys(map(str, items)))


def with_source(table: Markdown, records: Sequence[Record]) -> Markdown:
    """The table with the source of its records below; unchanged if there is no record."""
    return Markdown(f"{table.data}\n\nSource: {source(records)}.") if records else table


def metrics_of_run(record: Record, neighbours: Record | None = None) -> Markdown:
    """The defined metrics of one run, in percent: each category, their mean, and the mean of `neighbours` if given."""
    shares = pd.DataFrame({**record["classes"], "**mean**": record["mean"]}, METRIC_NAMES, dtype=float).T
    shares = shares.dropna(axis=1, how="all")  # (categories and mean, metrics)
    if neighbours is not None:
        shares.loc["nearest neighbours, mean"] = pd.Series(neighbours["mean"], dtype=float)
    table = (100 * shares).map("{:.1f}".format, na_action="ignore").fillna(DASH)
    table.loc["**mean**"] = "**" + table.loc["**mean**"] + "**"
    return markdown(table.rename(columns=HEADINGS).rename_axis("class"))


def neighbours_table(grad: Sequence[Record], neighbours: Sequence[Record] = ()) -> Markdown:
    """Runs of one experiment over their seeds: GRAD beside the nearest neighbours, and the source below."""
    if not grad:
        return Markdown(MISSING)
    methods = {f"GRAD, {len(grad)} seeds": grad, "nearest neighbours": neighbours}
    by_method = cells(methods)
    lines = []
    for category in [*grad[0]["classes"], "mean"]:
        for metric in BOTH:
            ours, theirs = (by_method.get((name, category, metric), DASH) for name in methods)
            if ours != DASH:
                lines.append([category, HEADINGS[metric], ours, theirs])
    return with_source(markdown_table(["class", "metric", *methods], lines), grad)


def peers_table(methods: Rows, metric: str = "image_auroc") -> Markdown:
    """Methods on the same images, in percent: each category and the mean; the best method in bold."""
    of_metric = tidy_metrics(methods).query("metric == @metric")
    if of_metric.empty:
        return Markdown(MISSING)
    groups = of_metric.groupby(["row", "category"])["value"]
    order = {"index": of_metric["row"].unique(), "columns": of_metric["category"].unique()}
    table, mean = (groups.agg(how).unstack("category").reindex(**order) for how in (in_percent, "mean"))
    mean = (100 * mean).round(1)
    return markdown(table.where(mean != mean.max(), "**" + table + "**").rename_axis(HEADINGS[metric]))


def compare_pairs(pairs: Mapping[str, Sequence]) -> ByMetric:
    """The comparison of each pair on the image and on the pixel AUROC, None where `compare` finds none.

    pairs: name -> (ours, theirs) or (ours, theirs, category), as `compare` takes them.
    """
    return {metric: {name: compare(a, b, metric, *c) for name, (a, b, *c) in pairs.items()} for metric in BOTH}


def comparison_table(by_metric: ByMetric, words: Sequence[str], heading: str) -> Markdown:
    """A line for each pair: the difference in points with its paired 95 % interval, and the verdict, on each metric.

    words: for an interval above 0, below 0 and, by default "undecided", around it. heading: of the names.
    """
    lines = []
    for name in next(iter(by_metric.values())):
        gaps = [of_metric[name] for of_metric in by_metric.values()]
        if any(gaps):
            line = [(gap.text(), gap.verdict(*words)) if gap else (DASH, DASH) for gap in gaps]
            lines.append([name, *chain.from_iterable(line)])
    headings = [text for metric in by_metric for text in (f"{HEADINGS[metric]} (95 % interval)", "verdict")]
    return markdown_table([heading, *headings], lines) if lines else Markdown(MISSING)


def distance_table(ours: Sequence[Record], peers: Rows) -> Markdown:
    """GRAD minus each peer on the mean over categories, in points, and whether GRAD is ahead or behind."""
    pairs = {f"GRAD − {name}": (ours, records) for name, records in peers.items()}
    return comparison_table(compare_pairs(pairs), ("ahead", "behind"), "points")


def category_intervals(ours: Sequence[Record], peers: Rows, metric: str) -> Markdown:
    """Each category: GRAD with its 95 % bootstrap interval, the best peer, and the paired difference in points."""
    peers = {name: records for name, records in peers.items() if records}
    if not ours or not peers:
        return Markdown(MISSING)
    lines = []
    for category in ours[0]["classes"]:
        of_peers = {name: values(records, metric, category) for name, records in peers.items()}
        best = max(of_peers, key=lambda name: of_peers[name].mean())
        gap, own = compare(ours, peers[best], metric, category), replicates(ours, metric, category)
        if gap is not None and own is not None:
            low, high = interval(100 * own)
            grad = [in_percent(values(ours, metric, category)), f"{low:.1f} to {high:.1f}"]
            lines.append([category, *grad, f"{best}, {in_percent(of_peers[best])}", gap.text()])
    return markdown_table([HEADINGS[metric], "GRAD", "its 95 % interval", "best peer", "GRAD − best peer"], lines)


def switch_table(rows: Rows) -> Markdown:
    """Rows that differ from the first by one choice: percent, and points of difference with the paired interval."""
    reference = next(iter(rows.values()), [])
    if not reference:
        return Markdown(MISSING)
    by_row, lines = cells(rows), []
    for name, records in rows.items():
        line = [name]
        for metric in BOTH:
            gap = None if records is reference else compare(records, reference, metric)
            line += [by_row.get((name, "mean", metric), DASH), gap.text() if gap else DASH]
        lines.append([*line, str(len(records))])
    headings = [heading for metric in BOTH for heading in (HEADINGS[metric], "difference (95 % interval)")]
    return markdown_table(["change", *headings, "runs"], lines)


def size_table(rows: Rows) -> Markdown:
    """Table 6 for recorded runs: parameters, FLOPs, epochs, seconds of training on the recorded device, and AUROC."""
    by_row, lines = cells(rows), []
    for name, records in rows.items():
        if records:
            model, seconds = records[0]["model"], [record["seconds"]["training"] for record in records]
            flops = f"{model['flops'] / 1e9:.2f}" if "flops" in model else DASH
            epochs, times = str(records[0]["experiment"]["epochs"]), f"{min(seconds):.0f} to {max(seconds):.0f}"
            aurocs = [by_row[name, "mean", metric] for metric in BOTH]
            lines.append([name, f"{model['parameters'] / 1e6:.2f}", flops, epochs, times, *aurocs])
    headings = ["model", "parameters, M", "GFLOPs", "epochs", "training, s", *[HEADINGS[metric] for metric in BOTH]]
    return markdown_table(headings, lines)
