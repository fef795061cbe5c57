"""Which runs of data/plan.yaml are recorded, and what the others need on this machine."""

import pandas as pd
from IPython.display import Markdown

from gradbook.study.needs import missing
from gradbook.study.plan import Planned, read_plan
from gradbook.study.tables import markdown
from gradlib.errors import InputError

NEEDS = ("data", "weights", "anomalib", "GPU")  # what a run can lack, in the words of `missing`
RUNNABLE = "runnable here"


def state(planned: Planned) -> str:
    """Whether a run is done, runnable here, or needs something that this machine lacks."""
    if planned.record().exists():
        return "done"
    lacking = missing(planned)
    return f"needs {', '.join(lacking)}" if lacking else RUNNABLE


def coverage_frame() -> pd.DataFrame:
    """One line for each planned run, with the columns table, row, data, seed and state."""
    lines = []
    for planned in read_plan().values():
        experiment = planned.experiment
        data = f"{experiment.dataset}, {len(experiment.categories) or 'all'} classes"
        lines.append((planned.table, f"{planned.group} / {planned.row}", data, experiment.seed, state(planned)))
    return pd.DataFrame(lines, columns=["table", "row", "data", "seed", "state"])


def coverage_table(table: str) -> Markdown:
    """One line for each planned row of a table of the paper, with the state of each seed.

    Raises InputError for a table that the plan does not have.
    """
    runs = coverage_frame().query("table == @table")
    if runs.empty:
        raise InputError(f'The plan has no run for table "{table}" of the paper: see data/plan.yaml.')
    seeds = runs.pivot(index=["row", "data"], columns="seed", values="state").add_prefix("seed ")
    return markdown(seeds.reset_index("data").reindex(runs["row"].unique()))


def coverage_overview() -> Markdown:
    """How many planned runs of each table are done, are runnable here, or need something."""
    runs = coverage_frame()
    columns = {"planned": True, **{name: runs["state"] == name for name in ("done", RUNNABLE)}}
    columns |= {f"needs {need}": runs["state"].str.contains(need) for need in NEEDS}
    titles = ("Table " + runs["table"]).fillna("beyond the paper")
    return markdown(pd.DataFrame(columns).groupby(titles).sum().astype(str).rename_axis(""))
