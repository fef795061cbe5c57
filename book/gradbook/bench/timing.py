"""Timing and memory of alternative ways to do the same.

The ways take turns within one run, so that a machine's slow periods affect all of them alike.
"""

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

QUICK = 0.2  # seconds; a faster way is called repeatedly for about as long
CPU = torch.device("cpu")

Way = Callable[[], object]


def seconds_of(way: Way, device: torch.device = CPU) -> float:
    """Seconds of one call on `device`.

    The first call of a quick way does not count, since the way before it has left its own data in the caches.
    """
    seconds = seconds_of_calls(way, 1, device)
    if seconds >= QUICK:
        return seconds
    return seconds_of_calls(way, round(QUICK / seconds_of_calls(way, 1, device)) or 1, device)


def seconds_of_calls(way: Way, calls: int, device: torch.device) -> float:
    """Seconds of one call, averaged over `calls`; `device` has no work queued before and after them."""
    wait_for(device)
    began = time.perf_counter()
    for _ in range(calls):
        way()
    wait_for(device)
    return (time.perf_counter() - began) / calls


def wait_for(device: torch.device) -> None:
    """Wait until a CUDA device has finished the work in its queue."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def alternate(ways: Mapping[str, Way], rounds: int, device: torch.device = CPU) -> dict[str, list[float]]:
    """Seconds of each way in each round; every round begins with another way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for way in ways.values():
        way()  # allocations, and choices that libraries make at the first call
    for number in tqdm(range(rounds), unit="round"):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            seconds[name].append(seconds_of(ways[name], device))
    return seconds


def peak_bytes_of(module: str, *arguments: str) -> int:
    """Peak resident bytes of a fresh process, which `module` must print last.

    Call it while this process is small: a child's peak is never below its parent's.
    """
    command = [sys.executable, "-m", module, *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[-1])


def peak_bytes() -> int | None:
    """Peak resident bytes of this process so far."""
    return peak_memory(CPU)["host"]


def resident_bytes() -> int:
    """Resident bytes of this process now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def quartiles(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, middle, high = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def quartile_text(values: Sequence[float] | np.ndarray, digits: int = 3) -> str:
    """The median followed by the other quartiles in brackets, to `digits` significant digits: "2.50 (2.25–2.75)"."""
    low, middle, high = (
        f"{value:,.0f}" if value >= 10**digits else f"{value:#.{digits}g}".rstrip(".") for value in quartiles(values)
    )
    return f"{middle} ({low}–{high})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray:
    """(rounds,) ours over theirs, round by round: measured alternately, so that slow periods affect both alike."""
    return np.asarray(ours, float) / np.asarray(theirs, float)


def summary(rounds: Sequence[float]) -> dict[str, Any]:
    """Median, quartiles and all values of several rounds, as a record holds them; seconds."""
    low, middle, high = quartiles(rounds)
    return {"median": middle, "quartiles": [low, high], "rounds": list(rounds)}
