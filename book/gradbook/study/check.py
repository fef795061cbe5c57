"""Check that the records in data/results are valid and, on request, reproduce one.

    python -m gradbook.study.check                       schema, digest, plan, arithmetic, provenance of every record
    python -m gradbook.study.check --recompute random    and reproduce one that this machine can make
    python -m gradbook.study.check --recompute NAME

One sentence for each fault; exit status 1 if there is any.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import numpy as np
import torch
from jsonschema import Draft202012Validator

from gradbook.paths import repository, results_folder
from gradbook.study.execution import run
from gradbook.study.needs import missing
from gradbook.study.plan import Planned, read_plan
from gradbook.study.record import SCHEMA, digest, read_results
from gradbook.study.statistics import Record, scores_and_labels
from gradlib.config import differing_fields
from gradlib.errors import InputError
from gradlib.metrics.curves import auroc
from gradlib.metrics.ranking import METRIC_NAMES

# On a CPU with the same number of threads a run repeats bit for bit; only the rounding of printed numbers can differ.
EXACT = 1e-6
# Other processors, thread counts and GPUs add the same numbers in another order. The differences of 1e-7 grow during
# training until they change the third decimal of an AUROC: a rank or two among a hundred test images.
ROUNDING = 0.005


def check_all(folder: Path, plan: Mapping[str, Planned]) -> list[str]:
    """The faults of all records in a folder and of the measurements in its subfolders, as sentences.

    Raises InputError if there is no such folder, because checking nothing is not the same as finding no fault.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder} with records: set GRAD_RESULTS to one, or leave it unset.")
    faults = [fault for path in sorted(folder.glob("*.json")) for fault in check_record(path, plan)]
    for path in sorted(folder.glob("*/*.json")):  # other measurements have other schemas but the same seal
        if not is_sealed(path):
            faults.append(f"{path.parent.name}/{path.name} is damaged or was changed after it was written.")
    return faults


def is_sealed(path: Path) -> bool:
    """Whether a JSON file is readable and its digest is that of its content."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("digest") == digest(record)


def check_record(path: Path, plan: Mapping[str, Planned]) -> list[str]:
    """The faults of one record; its content is checked only if its schema is right."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError) as error:
        return [f"{path.name} cannot be read as JSON: {error}."]
    faults = list(faults_of_schema(record))
    if not faults:
        content = faults_of_plan(path.stem, record, plan), faults_of_arithmetic(record), faults_of_provenance(record)
        faults = list(chain(*content))
    return [f"{path.name} {fault}" for fault in faults]


def refuse(constant: str) -> NoReturn:
    """Refuse NaN and infinity, which Python reads but JSON does not have."""
    raise ValueError(f"{constant} is not a number in JSON")


def faults_of_schema(record: Any) -> Iterator[str]:
    """Departures from data/results.schema.json, and a digest that does not fit the content."""
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        yield f"is not a record of schema {SCHEMA}: make it again."
        return
    schema = json.loads((repository() / "data" / "results.schema.json").read_text(encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(record):
        message = error.message if len(error.message) < 150 else f"not valid under {error.validator}"
        yield f"departs from data/results.schema.json at {error.json_path}: {message}."
    if record.get("digest") != digest(record):
        yield "has a digest that does not fit its content: it was changed after it was written."


def faults_of_plan(name: str, record: Record, plan: Mapping[str, Planned]) -> Iterator[str]:
    """A record that is not of the plan, or has other settings than the plan's run of that name."""
    if name not in plan:
        yield "belongs to no run of data/plan.yaml."
        return
    experiment = plan[name].experiment
    for key, planned in (("experiment", experiment.settings()), ("train", asdict(experiment.training()))):
        expected = json.loads(json.dumps(planned))  # tuples become lists, as in the record
        if record[key] != expected:
            names = ", ".join(differing_fields(record[key], expected)) or "fields"
            yield f"was made with other {names} ({key}) than the plan's run of that name."


def faults_of_arithmetic(record: Record) -> Iterator[str]:
    """Means that do not follow from the categories, and image AUROCs that do not follow from the record's scores."""
    categories = record["classes"]
    for metric in METRIC_NAMES:
        values = [table[metric] for table in categories.values()]
        mean = None if None in values else math.fsum(values) / len(values)
        if not are_close(mean, record["mean"][metric], 1e-9):
            yield f"states a mean {metric} of {record['mean'][metric]}, but its categories give {mean}."
    if not categories.keys() == record["evidence"].keys() == record["data"]["counts"].keys():
        yield "names different categories in its metrics, its evidence and its data."
        return
    for category, evidence in record["evidence"].items():
        scores, labels = scores_and_labels(record, category)
        counts = {len(scores), len(labels), sum(n for _, n in evidence["defects"])}
        if counts != {record["data"]["counts"][category]["test"]}:
            yield f"does not have one score, label and defect type for each test image of {category}."
            continue
        stated, computed = categories[category]["image_auroc"], auroc(scores, labels).value
        if not are_close(computed, stated, ties(scores, labels)):
            yield f"states an image AUROC of {category} of {stated}, but its scores give {computed}."


def ties(scores: np.ndarray, labels: np.ndarray) -> float:
    """The largest change of an AUROC by rounding scores to six digits: half of each pair that became equal."""
    equal = scores[labels == 1][:, None] == scores[labels == 0]  # (anomalous, normal)
    return 1e-9 + (equal.mean() / 2 if equal.size else 0)


def are_close(one: float | None, other: float | None, tolerance: float) -> bool:
    """Whether both are undefined, or both are numbers that differ by at most `tolerance`."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance


def faults_of_provenance(record: Record) -> Iterator[str]:
    """A record whose code cannot be identified; the schema checks versions, device and the rest."""
    if record["provenance"]["commit"] is None:
        yield "names no commit: it was made outside a git checkout."
    if record["provenance"]["uncommitted_changes"]:
        yield "was made with uncommitted changes: commit them and make it again."


def recompute(planned: Planned, tolerance: float = ROUNDING) -> list[str]:
    """Make a recorded run again in a temporary folder, with the same number of threads; returns the faults.

    Raises InputError if the run is not recorded or this machine does not meet its needs.
    """
    recorded = read_results(planned.record())
    if needs := missing(planned):
        raise InputError(f"{planned.name} cannot be made here without {', '.join(needs)}: choose another run.")
    on_cpu, threads = recorded["provenance"]["device"].startswith("CPU"), torch.get_num_threads()
    print(f"{planned.name}: making it again; the recorded run took {recorded['seconds']['total']:.0f} s", flush=True)
    try:
        torch.set_num_threads(recorded["provenance"]["threads"] if on_cpu else threads)
        with TemporaryDirectory() as folder:
            device = "cpu" if on_cpu else "auto"
            result = read_results(run(planned.experiment, out=folder, device=device))
    finally:
        torch.set_num_threads(threads)
    return differing_results(planned.name, recorded, result, tolerance)


def differing_results(name: str, recorded: Record, result: Record, tolerance: float) -> list[str]:
    """The image and pixel AUROCs that were not reproduced, as sentences.

    tolerance: the largest difference of two AUROCs, each in [0, 1], that counts as equal.
    """
    if recorded["data"]["fingerprint"] != result["data"]["fingerprint"]:
        return [f"{name} was measured on other images than those of this machine."]
    faults, largest = [], 0.0
    for category, table in recorded["classes"].items():
        for metric in ("image_auroc", "pixel_auroc"):
            then, now = table[metric], result["classes"][category][metric]
            if not are_close(then, now, tolerance):
                faults.append(f"{name} records {then} as {metric} of {category}, but the new run gives {now}.")
            elif then is not None:
                largest = max(largest, abs(then - now))
    if not faults:
        agreement = "exactly" if largest <= EXACT else f"to within {largest:.1g} (floating-point rounding)"
        print(f"{name}: every image and pixel AUROC was reproduced {agreement}")
    return faults


def select_run(name: str, seed: int, plan: Mapping[str, Planned]) -> Planned | None:
    """The run of that name; for "random" one of those that are recorded and possible here, None if there is none."""
    if name != "random":
        if name not in plan:
            raise InputError(f'The plan has no run "{name}": `python -m gradbook.study.runs list` shows all names.')
        return plan[name]
    possible = [p for p in plan.values() if p.record().exists() and not missing(p)]
    return random.Random(seed).choice(possible) if possible else None


def recompute_selected(name: str, seed: int | None, tolerance: float, plan: Mapping[str, Planned]) -> list[str]:
    """Select a recorded run and recompute it; returns the faults."""
    if seed is None:
        seed = random.randrange(1_000_000)
    planned = select_run(name, seed, plan)
    if planned is None:
        print("No recorded run can be made here: set GRAD_MVTEC and GRAD_VISA to the folders of the images.")
        return []
    if name == "random":
        print(f"Selected by --seed {seed}:", end=" ")
    return recompute(planned, tolerance)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m gradbook.study.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recompute", metavar="NAME|random|none", default="none")
    parser.add_argument("--seed", type=int, help="decides which run `random` selects; without it another each time")
    parser.add_argument("--tolerance", type=float, default=ROUNDING, help=f"{EXACT} on the machine of the records")
    options = parser.parse_args(arguments)
    try:
        plan, folder = read_plan(), results_folder()
        faults = check_all(folder, plan)
        print(f"{len(list(folder.glob('*.json')))} records in {folder}: {len(faults) or 'no'} faults", flush=True)
        print("\n".join(faults), file=sys.stderr, end="\n" if faults else "", flush=True)
        if options.recompute != "none":
            differing = recompute_selected(options.recompute, options.seed, options.tolerance, plan)
            print("\n".join(differing), file=sys.stderr, end="\n" if differing else "")
            faults += differing
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
