"""Tables that chapters show, made from result records: no number in the book is typed by hand."""

import math
from collections.abc import Sequence

from IPython.display import Markdown

from gradbook.page import markdown_table, percent
from gradbook.study.statistics import Record, spread
from gradlib.metrics.evaluation import METRIC_NAMES

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


def metrics_of_run(record: Record, neighbours: Record | None = None) -> Markdown:
    """The defined metrics of one run, in percent: each class, their mean, and the nearest neighbours' mean if given."""
    shown = [m for m in METRIC_NAMES if any(values[m] is not None for values in record["classes"].values())]
    rows = [[name, *[percent(values[m]) for m in shown]] for name, values in record["classes"].items()]
    rows.append(["**mean**", *[f"**{percent(record['mean'][m])}**" for m in shown]])
    if neighbours is not None:
        rows.append(["nearest neighbours, mean", *[percent(neighbours["mean"][m]) for m in shown]])
    return markdown_table(["class", *[HEADINGS[m] for m in shown]], rows)


def mean_and_spread(records: Sequence[Record], metric: str, category: str = "mean") -> str:
    """Mean over runs and, after the sign, their standard deviation, in percent; a dash where it is undefined."""
    if not records:
        return "–"
    mean, deviation = spread(records, metric, category)
    if math.isnan(mean):
        return "–"
    shown = f"{100 * mean:.2f} ± {100 * deviation:.2f}" if len(records) > 1 else f"{100 * mean:.2f}"
    return shown.replace(" ", "\N{NO-BREAK SPACE}")


def ledger_table(grad: Sequence[Record], neighbours: Sequence[Record] = ()) -> Markdown:
    """Committed runs of one experiment over their seeds: GRAD beside the nearest neighbours, and the source below."""
    if not grad:
        return Markdown(MISSING)
    rows = []
    for category in [*grad[0]["classes"], "mean"]:
        for metric in ("image_auroc", "pixel_auroc"):
            ours, theirs = (mean_and_spread(records, metric, category) for records in (grad, neighbours))
            if ours != "–":
                rows.append([category, HEADINGS[metric], ours, theirs])
    table = markdown_table(["class", "metric", f"GRAD, {len(grad)} seeds", "nearest neighbours"], rows)
    return Markdown(f"{table.data}\n\nSource: {source_of(grad)}.")


def source_of(records: Sequence[Record]) -> str:
    """One sentence that says where a ledger table comes from."""
    first = records[0]
    settings, origin = first["experiment"], first["provenance"]
    seconds = [record["seconds"]["training"] for record in records]
    seeds = ", ".join(str(record["experiment"]["seed"]) for record in records)
    parts = [
        *[settings[key] for key in ("dataset", "setting", "backbone", "preset")],
        f"map {settings['map_size']}",
        f"{settings['epochs']} epochs, the last one kept",
        f"seeds {seeds}",
        f"protocol {settings['protocol']}",
        f"commit {(origin['commit'] or 'unknown')[:9]}",
        origin["device"],
        f"training {min(seconds):.0f} to {max(seconds):.0f} s",
    ]
    return ", ".join(parts)
