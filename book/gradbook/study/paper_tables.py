"""Tables of recorded runs beside the paper's values, and the tables of a group of data/plan.yaml."""

from collections.abc import Sequence

import pandas as pd
from IPython.display import Markdown

from gradbook.study.coverage import state
from gradbook.study.plan import read_plan
from gradbook.study.published import published, published_methods
from gradbook.study.statistics import Record, read_group, tidy_metrics
from gradbook.study.tables import BOTH, HEADINGS, in_percent, markdown, with_source
from gradlib.errors import InputError


def beside_paper(paper: pd.Series, shares: pd.Series) -> pd.DataFrame:
    """The columns paper, ours and difference (ours minus paper, in points) as text, NaN where a value is missing.

    paper: percent; shares: ours, one for each seed, with the same index.
    """
    by_row = shares.groupby(level=0)
    difference = (100 * by_row.mean() - paper).round(1) + 0.0  # no -0.0
    columns = {
        "paper": paper.map("{:.1f}".format, na_action="ignore"),
        "ours": by_row.agg(in_percent),
        "difference": difference.map("{:+.1f}".format, na_action="ignore"),
    }
    return pd.DataFrame(columns, index=paper.index)


def group_table(group: str) -> Markdown:
    """One group of the plan beside the paper's values, in percent; a row without runs says what it needs.

    Raises InputError for a group that the plan does not have.
    """
    plan = {planned.row: planned for planned in read_plan().values() if planned.group == group}
    if not plan:
        raise InputError(f'The plan has no group "{group}": see data/plan.yaml.')
    rows = read_group(group)
    metrics = tidy_metrics(rows).query("category == 'mean'").set_index("row")
    paper = pd.DataFrame({row: planned.paper or (None, None) for row, planned in plan.items()}, BOTH, dtype=float).T
    dataset = next(iter(plan.values())).experiment.dataset
    has_paper = paper.notna().any(axis=None) and dataset in published().index.unique("dataset")
    parts = []
    for metric in BOTH:
        part = beside_paper(paper[metric], metrics.loc[metrics["metric"] == metric, "value"])
        if has_paper:
            parts.append(part.rename(columns={"paper": f"paper, {HEADINGS[metric]}"}))
        else:  # ELPV and the synthetic set are not in the paper
            parts.append(part[["ours"]].rename(columns={"ours": HEADINGS[metric]}))
    table = pd.concat(parts, axis=1).rename_axis("row")
    table["runs"] = [str(len(rows[row])) if row in rows else state(planned) for row, planned in plan.items()]
    return with_source(markdown(table), [record for records in rows.values() for record in records])


def tables_of(table: str | None) -> list[Markdown]:
    """A title and the rows of each group of runs that belongs to a table of the paper; None: to no table."""
    groups = dict.fromkeys((p.group, p.title) for p in read_plan().values() if p.table == table)
    return [part for group, title in groups for part in (Markdown(f"**{title}** (`{group}`)"), group_table(group))]


def category_table(
    dataset: str, setting: str, metric: str, records: Sequence[Record], categories: Sequence[str]
) -> Markdown:
    """The paper's published values of some categories and our GRAD beside them, in percent."""
    paper = published().xs((dataset, setting, metric), level=("dataset", "setting", "metric")).unstack("method")
    methods = published_methods(dataset, setting)
    table = paper.reindex(index=categories, columns=methods).map("{:.1f}".format, na_action="ignore")
    table = table.add_suffix(" (published)").rename_axis(HEADINGS[metric])
    table["GRAD (ours)"] = _by_category(records, metric).groupby(level=0).agg(in_percent)
    return markdown(table)


def against_paper(dataset: str, setting: str, metric: str, records: Sequence[Record]) -> Markdown:
    """Category by category: the paper's GRAD, ours, and the difference in points."""
    paper = published().xs((dataset, setting, "GRAD", metric), level=("dataset", "setting", "method", "metric"))
    categories = list(records[0]["classes"]) if records else []
    table = beside_paper(paper.reindex(categories), _by_category(records, metric))
    return with_source(markdown(table.rename_axis(HEADINGS[metric])), records)


def _by_category(records: Sequence[Record], metric: str) -> pd.Series:
    """A metric of each run and category, as shares, by category."""
    return tidy_metrics({"ours": records}).query("metric == @metric").set_index("category")["value"]
