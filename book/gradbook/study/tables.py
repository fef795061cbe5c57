"""The tables of the evidence chapters, from data/plan.yaml and data/results: paper, ours, difference, runs."""

from collections.abc import Mapping, Sequence

from IPython.display import Markdown

from gradbook.page import markdown_table
from gradbook.study.bootstrap import interval, verdict
from gradbook.study.needs import missing
from gradbook.study.plan import ROOTS, Planned, read_plan
from gradbook.study.published import published_methods, published_rows, published_value
from gradbook.study.run_tables import HEADINGS, MISSING, mean_and_spread
from gradbook.study.statistics import Record, difference, read_group, replicates, spread
from gradlib.errors import InputError

BOTH = ("image_auroc", "pixel_auroc")


def group_table(group: str) -> Markdown:
    """One group of the plan beside the paper's values, in percent; a row without runs says what it needs.

    Raises InputError for a group that the plan does not have.
    """
    plan = [p for p in read_plan().values() if p.group == group]
    if not plan:
        raise InputError(f'The plan has no group "{group}": see data/plan.yaml.')
    found = read_group(group)
    has_paper = any(p.paper for p in plan) and plan[0].experiment.dataset in ROOTS  # the paper's own data sets
    rows = []
    for row in dict.fromkeys(p.row for p in plan):
        first = next(p for p in plan if p.row == row)
        records = found.get(row, [])
        cells = [row]
        for number, metric in enumerate(BOTH):
            cells += beside_paper(records, metric, first.paper[number] if first.paper else None, has_paper)
        rows.append([*cells, str(len(records)) if records else why_missing(first)])
    headings = ["row"]
    for metric in BOTH:
        headings += [f"paper, {HEADINGS[metric]}", "ours", "difference"] if has_paper else [HEADINGS[metric]]
    table = markdown_table([*headings, "runs"], rows)
    records = [r for rs in found.values() for r in rs]
    return Markdown(table.data + (f"\n\nSource: {origin(records)}." if records else ""))


def beside_paper(
    records: Sequence[Record], metric: str, paper: float | None, has_paper: bool, category: str = "mean"
) -> list[str]:
    """Cells for one metric: the paper's value, ours, and ours minus the paper's."""
    ours = mean_and_spread(records, metric, category)
    if not has_paper:
        return [ours]
    told = "–" if paper is None else f"{paper:.1f}"
    gap = (
        "–"
        if paper is None or ours == "–"
        else f"{round(100 * spread(records, metric, category)[0] - paper, 1) + 0.0:+.1f}"
    )
    return [told, ours, gap]


def why_missing(planned: Planned) -> str:
    """What stands in the way of a run on the machine that builds the page."""
    lacking = missing(planned)
    return f"needs {', '.join(lacking)}" if lacking else "runnable here"


def origin(records: Sequence[Record]) -> str:
    """Where many records come from: data, backbone, commits, devices."""
    commits = sorted({(r["provenance"]["commit"] or "unknown")[:9] for r in records})
    counts = records[0]["data"]["counts"]
    trained = {c: sorted({r["data"]["counts"][c]["train"] for r in records}) for c in counts}
    images = ", ".join(f"{c} {' or '.join(map(str, trained[c]))} / {n['test']}" for c, n in counts.items())
    seeds = ", ".join(str(s) for s in sorted({r["experiment"]["seed"] for r in records}))
    devices = "; ".join(sorted({r["provenance"]["device"] for r in records}))
    settings = records[0]["experiment"]
    return (
        f"{settings['dataset']} ({images} training / test images), {settings['setting']}, {settings['backbone']}, "
        f"last epoch, seeds {seeds}, protocol {settings['protocol']}, commit {', '.join(commits)}, {devices}"
    )


def peers_table(methods: Mapping[str, Sequence[Record]], metric: str = "image_auroc") -> Markdown:
    """Methods on the same images: each class and the mean, percent, mean ± deviation over seeds; the best in bold."""
    methods = {name: records for name, records in methods.items() if records}
    if not methods:
        return Markdown(MISSING)
    categories = [*next(iter(methods.values()))[0]["classes"], "mean"]
    best = {c: max(round(100 * spread(r, metric, c)[0], 1) for r in methods.values()) for c in categories}
    rows = []
    for name, records in methods.items():
        cells = []
        for c in categories:
            shown = mean_and_spread(records, metric, c)
            winner = round(100 * spread(records, metric, c)[0], 1) == best[c]
            cells.append(f"**{shown}**" if winner else shown)
        rows.append([name, *cells])
    return markdown_table([HEADINGS[metric], *categories], rows)


def distance_table(ours: Sequence[Record], peers: Mapping[str, Sequence[Record]]) -> Markdown:
    """GRAD minus each peer on the mean over classes, in points, with the paired 95 % bootstrap interval."""
    rows = []
    for name, records in peers.items():
        for metric in BOTH:
            found = difference(ours, records, metric) if ours and records else None
            if found is not None:
                middle, low, high = (100 * value for value in found)
                points = [f"{middle:+.2f}", f"{low:+.2f} to {high:+.2f}"]
                rows.append([f"GRAD − {name}", HEADINGS[metric], *points, verdict(low, high, "ahead", "behind")])
    if not rows:
        return Markdown("No pair of runs on the same images is committed yet: `make results` makes them.")
    return markdown_table(["pair", "metric", "points", "95 % interval", "GRAD is"], rows)


def class_intervals(ours: Sequence[Record], peers: Mapping[str, Sequence[Record]], metric: str) -> Markdown:
    """Each class: GRAD with its 95 % bootstrap interval, the best peer, and the paired difference to it in points."""
    peers = {name: records for name, records in peers.items() if records}
    if not ours or not peers:
        return Markdown(MISSING)
    rows = []
    for category in ours[0]["classes"]:
        drawn = replicates(ours, metric, category)
        best = max(peers, key=lambda name: spread(peers[name], metric, category)[0])
        gap = difference(ours, peers[best], metric, category)
        if drawn is None or gap is None:
            continue
        low, high = (100 * value for value in interval(drawn))
        middle, worst, most = (100 * value for value in gap)
        told = f"{best}, {mean_and_spread(peers[best], metric, category)}"
        paired = f"{middle:+.2f} ({worst:+.2f} to {most:+.2f})"
        rows.append([category, mean_and_spread(ours, metric, category), f"{low:.1f} to {high:.1f}", told, paired])
    return markdown_table([HEADINGS[metric], "GRAD", "its 95 % interval", "best peer", "GRAD − best peer"], rows)


def switch_table(rows: Mapping[str, Sequence[Record]]) -> Markdown:
    """Rows that differ from the first by one choice: percent, and points of difference with the paired interval."""
    reference = next(iter(rows.values()), [])
    if not reference:
        return Markdown(MISSING)
    shown = []
    for name, records in rows.items():
        cells = [name]
        for metric in BOTH:
            gap = difference(records, reference, metric) if records and records is not reference else None
            low_to_high = "–" if gap is None else f"{100 * gap[0]:+.2f} ({100 * gap[1]:+.2f} to {100 * gap[2]:+.2f})"
            cells += [mean_and_spread(records, metric), low_to_high]
        shown.append([*cells, str(len(records))])
    headings = [h for metric in BOTH for h in (HEADINGS[metric], "difference (95 % interval)")]
    return markdown_table(["change", *headings, "runs"], shown)


def size_table(rows: Mapping[str, Sequence[Record]]) -> Markdown:
    """Table 6 for recorded runs: parameters, FLOPs, epochs, seconds of training on the recorded machine, and AUROC."""
    shown = []
    for name, records in rows.items():
        if records:
            model, seconds = records[0]["model"], [r["seconds"]["training"] for r in records]
            counts = [f"{model['parameters'] / 1e6:.2f}", f"{model['flops'] / 1e9:.2f}" if "flops" in model else "–"]
            epochs = str(records[0]["experiment"]["epochs"])
            times = f"{min(seconds):.0f} to {max(seconds):.0f}"
            shown.append([name, *counts, epochs, times, *[mean_and_spread(records, metric) for metric in BOTH]])
    headings = ["model", "parameters, M", "GFLOPs", "epochs", "training, s", *[HEADINGS[metric] for metric in BOTH]]
    return markdown_table(headings, shown)


def class_table(dataset: str, setting: str, metric: str, records: Sequence[Record], classes: Sequence[str]) -> Markdown:
    """The paper's published values of some classes and our GRAD beside them, in percent."""
    names = published_methods(dataset, setting)
    rows = []
    for category in classes:
        told = [published_value(dataset, setting, name, category, metric) for name in names]
        recorded = bool(records) and (category in records[0]["classes"] or category == "mean")
        ours = mean_and_spread(records, metric, category) if recorded else "–"
        rows.append([category, *["–" if value is None else f"{value:.1f}" for value in told], ours])
    return markdown_table([HEADINGS[metric], *[f"{name} (published)" for name in names], "GRAD (ours)"], rows)


def against_paper(dataset: str, setting: str, metric: str, records: Sequence[Record]) -> Markdown:
    """Class by class: the paper's GRAD, ours, and the difference in points."""
    rows = []
    for category in records[0]["classes"] if records else ():
        told = published_value(dataset, setting, "GRAD", category, metric)
        rows.append([category, *beside_paper(records, metric, told, True, category)])
    table = markdown_table([HEADINGS[metric], "paper", "ours", "difference"], rows)
    return Markdown(table.data + (f"\n\nSource: {origin(records)}." if records else ""))


def published_classes(dataset: str) -> list[str]:
    """The classes of the paper's table for a data set, in its order."""
    return [c for c in dict.fromkeys(key[3] for key in published_rows() if key[0] == dataset) if c != "mean"]


def coverage_table(table: str) -> Markdown:
    """One line for each planned row of a table of the paper: a mark for each seed that is done, or what is missing.

    Raises InputError for a table that the plan does not have.
    """
    rows = []
    plan = [p for p in read_plan().values() if p.table == table]
    if not plan:
        raise InputError(f'The plan has no run for table "{table}" of the paper: see data/plan.yaml.')
    for group, row in dict.fromkeys((p.group, p.row) for p in plan):
        runs = [p for p in plan if (p.group, p.row) == (group, row)]
        states = ["done" if p.record().exists() else why_missing(p) for p in runs]
        data = runs[0].experiment
        rows.append([f"{group} / {row}", f"{data.dataset}, {len(data.categories) or 'all'} classes", *states])
    return markdown_table(["row", "data", *[f"seed {p.experiment.seed}" for p in runs]], rows)


def coverage_overview() -> Markdown:
    """How many planned runs of each table are done, can be made on this machine, or lack something."""
    plan = list(read_plan().values())
    columns = ("done", "runnable here", "data", "weights", "anomalib", "GPU")
    rows = []
    for table in [*sorted({p.table for p in plan if p.table}), None]:
        runs = [p for p in plan if p.table == table]
        lacking = [missing(p) for p in runs if not p.record().exists()]
        needs = [sum(what in found for found in lacking) for what in columns[2:]]
        counts = [len(runs) - len(lacking), lacking.count(()), *needs]
        rows.append([f"Table {table}" if table else "beyond the paper", str(len(runs)), *map(str, counts)])
    return markdown_table(["", "planned", *columns[:2], *[f"needs {what}" for what in columns[2:]]], rows)


def tables_of(table: str | None) -> list[Markdown]:
    """For one table of the paper: a title and the rows of each group of runs that belongs to it."""
    groups = dict.fromkeys((p.group, p.title) for p in read_plan().values() if p.table == table)
    return [part for group, title in groups for part in (Markdown(f"**{title}** (`{group}`)"), group_table(group))]
