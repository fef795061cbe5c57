"""Ways that are compared take turns within one run, so that a machine's slow minutes meet all of them alike."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from gradbook.study.provenance import peak_memory

QUICK = 0.2  # seconds; ways below it are called again and again until it has passed

Way = Callable[[], object]


def seconds_of(way: Way) -> float:
    """Seconds of one call; a quick way's first call, which finds another way's data in the caches, does not count."""
    began = time.perf_counter()
    way()
    seconds = time.perf_counter() - began
    if seconds >= QUICK:
        return seconds
    calls, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < QUICK:
        way()
        calls += 1
    return passed / calls


def alternate(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round; all take turns, and each round begins with another one."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for way in ways.values():
        way()  # allocations, and choices that libraries make at the first call
    for number in tqdm(range(rounds), unit="round"):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            seconds[name].append(seconds_of(ways[name]))
    return seconds


def peak_of(module: str, *arguments: str) -> int:
    """Peak resident bytes of a fresh process: the last word that `module` prints. Call it while this one is small,
    since a child's peak is never below its parent's."""
    command = [sys.executable, "-m", module, *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[-1])


def own_peak() -> int | None:
    """Peak resident bytes of this process so far."""
    return peak_memory(torch.device("cpu"))["host"]


def resident() -> int:
    """Resident bytes of this process now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def quartiles(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, middle, high = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def quartile_text(values: Sequence[float] | np.ndarray, digits: int = 3) -> str:
    """Median and, in brackets, the other quartiles, to some significant digits: "2.50 (2.25–2.75)"."""
    low, middle, high = (
        f"{value:,.0f}" if value >= 10**digits else f"{value:#.{digits}g}".rstrip(".") for value in quartiles(values)
    )
    return f"{middle} ({low}–{high})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray:
    """(rounds,) ours over theirs, round by round: measured alternately, so that slow periods affect both alike."""
    return np.asarray(ours, float) / np.asarray(theirs, float)


def summary(rounds: Sequence[float]) -> dict[str, Any]:
    """Seconds of several rounds as the record keeps them."""
    low, middle, high = quartiles(rounds)
    return {"median": middle, "quartiles": [low, high], "rounds": list(rounds)}
