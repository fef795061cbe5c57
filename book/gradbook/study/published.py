"""The values of the paper's Tables 2, 3 and 4 by category, in percent: printed there, not measured here."""

from functools import cache

import pandas as pd

from gradbook.paths import repository


@cache
def published() -> pd.Series:
    """All values in percent, by dataset, setting, method, category and metric, in the paper's order."""
    path = repository() / "data" / "published.csv"
    table = pd.read_csv(path, converters={"percent": float}).rename(columns={"class": "category"})
    return table.set_index(["dataset", "setting", "method", "category", "metric"])["percent"]


def published_value(dataset: str, setting: str, method: str, category: str, metric: str) -> float | None:
    """A value in percent, or None if the paper gives none; category "mean" is the mean that the paper states."""
    return published().get((dataset, setting, method, category, metric))


def published_methods(dataset: str, setting: str) -> list[str]:
    """The methods of the paper's table for a data set and setting, in its order."""
    return list(published().xs((dataset, setting), level=("dataset", "setting")).index.unique("method"))


def published_categories(dataset: str) -> list[str]:
    """The categories of the paper's table for a data set, in its order, without their mean."""
    categories = published().xs(dataset, level="dataset").index.unique("category")
    return list(categories.drop("mean"))
