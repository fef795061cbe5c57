"""How fast the pieces are on this machine, each beside another way of doing the same.

    python -m gradbook.bench.speed                    everything; on two idle cores about half an hour
    python -m gradbook.bench.speed metrics lookups    some sections; the others keep what they have

writes data/results/cost/speed.json, section by section, which the page on speed reads. On another processor, write
`training` to --out data/results/cost/speed-<processor>.json: the page sets it beside. Ways that are compared take turns
in one run. Two threads wait badly for a core that is busy elsewhere: let nothing else run beside.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from gradbook.bench import extraction, inference, judging, lookups, metrics, training
from gradbook.bench.tables import RECORD, SCHEMA, SECTIONS, read_speed
from gradbook.paths import results_folder
from gradbook.study.provenance import provenance
from gradbook.study.record import write_json
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
PRODUCTS = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16", "bf16", "sve2")  # x86, then ARM


def so_far(path: Path) -> dict:
    """The sections that were measured before."""
    try:
        return read_speed(path)
    except InputError:
        return {"speed": SCHEMA, "sections": {}}


def instructions() -> list[str]:
    """The processor's instructions for products of many numbers, which decide what bfloat16 gains."""
    told = getattr(torch.cpu, "get_capabilities", dict)()  # not in every version of PyTorch
    return [name for name in PRODUCTS if told.get(name)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the sections asked for and write each as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each way is measured (default: 7)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor cores in use")
    parser.add_argument("--out", type=Path, default=results_folder() / RECORD, help="the record")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section {unknown[0]!r}: choose from {', '.join(SECTIONS)}")
    torch.set_num_threads(given.threads)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    record = so_far(given.out)
    for name in (name for name in SECTIONS if name in (given.sections or SECTIONS)):
        began = time.perf_counter()
        with threadpool_limits(given.threads):
            found = MEASURES[name](given.rounds)
        record["sections"][name] = {
            **found,
            "rounds": given.rounds,
            "seconds": round(time.perf_counter() - began),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "instructions": instructions(),
            "provenance": provenance(torch.device("cpu")),
        }
        write_json(given.out, record)
        print(f"{name}: {given.out} written after {record['sections'][name]['seconds']} s")


if __name__ == "__main__":
    main()
