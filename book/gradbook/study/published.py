"""What the paper reports in its Tables 2, 3 and 4, class by class: numbers to stand beside, not made here."""

import csv
from functools import cache

from gradbook.paths import repository


@cache
def published_rows() -> dict[tuple[str, str, str, str, str], float]:
    """All values: (data set, setting, method, class, metric) to percent."""
    with (repository() / "data" / "published.csv").open(encoding="utf-8", newline="") as file:
        return {
            (r["dataset"], r["setting"], r["method"], r["class"], r["metric"]): float(r["percent"])
            for r in csv.DictReader(file)
        }


def published_value(dataset: str, setting: str, method: str, category: str, metric: str) -> float | None:
    """A value in percent, or None where the paper gives none; category "mean" is the paper's own mean."""
    return published_rows().get((dataset, setting, method, category, metric))


def published_methods(dataset: str, setting: str) -> list[str]:
    """The methods of the paper's tables for a data set and setting, in its order."""
    return list(dict.fromkeys(key[2] for key in published_rows() if key[:2] == (dataset, setting)))
