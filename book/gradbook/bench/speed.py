"""How fast the parts of the library are on this machine, each compared with another way to do the same.

    python -m gradbook.bench.speed                    all sections; about half an hour on two idle cores
    python -m gradbook.bench.speed metrics lookups    some sections; the record keeps the others

writes data/results/cost/speed.json after each section; the page on speed reads it. On another processor, write
`training` to --out data/results/cost/speed-<processor>.json, and the page compares the two. The ways that are compared
are measured alternately. Run nothing else meanwhile: two threads wait for each other while a core is busy elsewhere.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from gradbook.bench import extraction, inference, judging, lookups, metrics, training
from gradbook.bench.records import seconds_and_origin, write_measured
from gradbook.bench.tables import RECORD, SCHEMA, SECTIONS, read_speed
from gradbook.paths import results_folder
from gradlib.errors import InputError

MEASURES = {
    "metrics": metrics.measure,
    "judging": judging.measure,
    "training": training.measure,
    "lookups": lookups.measure,
    "extraction": extraction.measure,
    "inference": inference.measure,
}
assert tuple(MEASURES) == SECTIONS
MATRIX_INSTRUCTIONS = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16", "bf16", "sve2")  # x86, then ARM


def record_to_extend(path: Path) -> dict[str, Any]:
    """The record at `path` with the sections measured before, or a new one without any."""
    try:
        return read_speed(path)
    except InputError:
        return {"speed": SCHEMA, "sections": {}}


def instructions() -> list[str]:
    """The processor's instructions for matrix products; the speed of bfloat16 depends on them."""
    get_capabilities = getattr(torch.cpu, "get_capabilities", None)  # not in every version of PyTorch
    capabilities = get_capabilities() if get_capabilities else {}
    return [name for name in MATRIX_INSTRUCTIONS if capabilities.get(name)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the requested sections, writing the record after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each way (default: 7)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor cores in use")
    parser.add_argument("--out", type=Path, default=results_folder() / RECORD, help="the record")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section {unknown[0]!r}: choose from {', '.join(SECTIONS)}")
    torch.set_num_threads(options.threads)
    record = record_to_extend(options.out)
    for name in (name for name in SECTIONS if name in (options.sections or SECTIONS)):
        began = time.perf_counter()
        with threadpool_limits(options.threads):
            section = MEASURES[name](options.rounds)
        section |= {"rounds": options.rounds, "instructions": instructions(), **seconds_and_origin(began)}
        record["sections"][name] = section
        write_measured(options.out, record)
        print(f"{name}: {options.out} written after {section['seconds']} s")


if __name__ == "__main__":
    main()
