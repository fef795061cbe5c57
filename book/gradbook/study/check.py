"""Whether the records in data/results are whole, and whether one of them comes out again.

    python -m gradbook.study.check                       form, digest, plan, arithmetic and provenance of every record
    python -m gradbook.study.check --recompute random    and one of those that this machine can make, made anew
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

# On a CPU with the same number of threads a run repeats bit for bit, so that only the printing of numbers can differ.
EXACT = 1e-6
# Other processors, numbers of threads and GPUs add the same numbers in another order. The differences, 1e-7 at first,
# grow over the steps of training into those of an AUROC's third decimal: a rank or two among a hundred test images.
ROUNDING = 0.005


def check_all(folder: Path, plan: Mapping[str, Planned]) -> list[str]:
    """The faults of every record in a folder, and of the other measurements in its subfolders, as sentences.

    Raises InputError if there is no such folder, as nothing checked is not the same as no fault.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder} with records: set GRAD_RESULTS to one, or leave it unset.")
    found = [fault for path in sorted(folder.glob("*.json")) for fault in check_record(path, plan)]
    for path in sorted(folder.glob("*/*.json")):  # times, agreements: of other forms, but sealed alike
        if not is_sealed(path):
            found.append(f"{path.parent.name}/{path.name} is damaged or was changed after it was written.")
    return found


def is_sealed(path: Path) -> bool:
    """Whether a JSON file is whole and its digest that of its content."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("digest") == digest(record)


def check_record(path: Path, plan: Mapping[str, Planned]) -> list[str]:
    """The faults of one record; those of its content only if its form is right."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError) as error:
        return [f"{path.name} cannot be read as JSON: {error}."]
    found = list(faults_of_form(record))
    if not found:
        content = (faults_of_plan(path.stem, record, plan), faults_of_arithmetic(record), faults_of_provenance(record))
        found = [fault for faults in content for fault in faults]
    return [f"{path.name} {fault}" for fault in found]


def refuse(constant: str) -> NoReturn:
    """JSON has no NaN and no infinity, though Python reads them."""
    raise ValueError(f"{constant} is no number of JSON")


def faults_of_form(record: Any) -> Iterator[str]:
    """Where a record departs from data/results.schema.json, and whether it still has the content that was sealed."""
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        yield f"is no record of schema {SCHEMA}: make it again."
        return
    schema = json.loads((repository() / "data" / "results.schema.json").read_text(encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(record):
        message = error.message if len(error.message) < 150 else f"not valid under {error.validator}"
        yield f"departs from data/results.schema.json at {error.json_path}: {message}."
    if record.get("digest") != digest(record):
        yield "has another digest than its content: it was changed after it was written."


def faults_of_plan(name: str, record: Record, plan: Mapping[str, Planned]) -> Iterator[str]:
    """Whether it is a run of the plan, with that run's settings and what follows from them today."""
    if name not in plan:
        yield "belongs to no run of data/plan.yaml."
        return
    experiment = plan[name].experiment
    for key, wanted in (("experiment", experiment.settings()), ("train", asdict(experiment.training()))):
        wanted = json.loads(json.dumps(wanted))  # tuples become lists, as in the record
        if record[key] != wanted:
            names = ", ".join(differing_fields(record[key], wanted)) or "fields"
            yield f"was made with other {names} ({key}) than the plan's run of that name."


def faults_of_arithmetic(record: Record) -> Iterator[str]:
    """Whether its means follow from its classes, and its image AUROCs from its own scores."""
    classes = record["classes"]
    for metric in METRIC_NAMES:
        values = [table[metric] for table in classes.values()]
        mean = None if None in values else math.fsum(values) / len(values)
        if not close(mean, record["mean"][metric], 1e-9):
            yield f"says that its mean {metric} is {record['mean'][metric]}, but its classes have {mean}."
    if not classes.keys() == record["evidence"].keys() == record["data"]["counts"].keys():
        yield "names other classes in its metrics, its evidence and its data."
        return
    for category, kept in record["evidence"].items():
        scores, labels = scores_and_labels(record, category)
        counts = {len(scores), len(labels), sum(n for _, n in kept["defects"])}
        if counts != {record["data"]["counts"][category]["test"]}:
            yield f"does not have one score, label and kind of defect for each test image of {category}."
            continue
        said, found = classes[category]["image_auroc"], auroc(scores, labels).value
        if not close(found, said, ties(scores, labels)):
            yield f"says that the image AUROC of {category} is {said}, but its own scores give {found}."


def ties(scores: np.ndarray, labels: np.ndarray) -> float:
    """By how much rounding to six digits can have moved an AUROC: half of each pair that it made equal."""
    equal = scores[labels == 1][:, None] == scores[labels == 0]  # (anomalous, normal)
    return 1e-9 + (equal.mean() / 2 if equal.size else 0)


def close(one: float | None, other: float | None, tolerance: float) -> bool:
    """Whether both are undefined or both are numbers that lie so near."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance


def faults_of_provenance(record: Record) -> Iterator[str]:
    """Whether the very code that made it can be found again; the schema asks for versions, device and the rest."""
    if record["provenance"]["commit"] is None:
        yield "names no commit: it was made outside of a git checkout."
    if record["provenance"]["uncommitted_changes"]:
        yield "was made with uncommitted changes: commit them and make it again."


def recompute(planned: Planned, tolerance: float = ROUNDING) -> list[str]:
    """Make a recorded run anew in a temporary folder, with its number of threads; the faults.

    Raises InputError where the run is not recorded or this machine lacks something for it.
    """
    recorded = read_results(planned.record())
    if lacking := missing(planned):
        raise InputError(f"{planned.name} cannot be made here, for want of {', '.join(lacking)}: choose another.")
    on_cpu, threads = recorded["provenance"]["device"].startswith("CPU"), torch.get_num_threads()
    print(f"{planned.name}: making it anew, which took {recorded['seconds']['total']:.0f} s then", flush=True)
    try:
        torch.set_num_threads(recorded["provenance"]["threads"] if on_cpu else threads)
        with TemporaryDirectory() as folder:
            device = "cpu" if on_cpu else "auto"
            made = read_results(run(planned.experiment, out=folder, device=device))
    finally:
        torch.set_num_threads(threads)
    return compare(planned.name, recorded, made, tolerance)


def compare(name: str, recorded: Record, made: Record, tolerance: float) -> list[str]:
    """The classes whose image or pixel AUROC came out otherwise, as sentences.

    tolerance: the largest difference of two AUROCs, each in [0, 1], that counts as the same number.
    """
    if recorded["data"]["fingerprint"] != made["data"]["fingerprint"]:
        return [f"{name} was measured on other images than those that lie here."]
    faults, largest = [], 0.0
    for category, table in recorded["classes"].items():
        for metric in ("image_auroc", "pixel_auroc"):
            then, now = table[metric], made["classes"][category][metric]
            if not close(then, now, tolerance):
                faults.append(f"{name} has {then} as {metric} of {category}, but {now} came out anew.")
            elif then is not None:
                largest = max(largest, abs(then - now))
    if not faults:
        nearness = "equal" if largest <= EXACT else f"within {largest:.1g}, which other rounding explains"
        print(f"{name}: every image and pixel AUROC came out again, {nearness}")
    return faults


def choose(wanted: str, seed: int, plan: Mapping[str, Planned]) -> Planned | None:
    """The run of that name, or one drawn from those that are recorded and possible here; None if there is none."""
    if wanted != "random":
        if wanted not in plan:
            raise InputError(f'The plan has no run "{wanted}": `python -m gradbook.study.runs list` shows all names.')
        return plan[wanted]
    possible = [p for p in plan.values() if p.record().exists() and not missing(p)]
    return random.Random(seed).choice(possible) if possible else None


def make_again(wanted: str, seed: int | None, tolerance: float, plan: Mapping[str, Planned]) -> list[str]:
    """Choose a recorded run and recompute it; the faults."""
    if seed is None:
        seed = random.randrange(1_000_000)
    planned = choose(wanted, seed, plan)
    if planned is None:
        print("No recorded run can be made here: name the images' folders by GRAD_MVTEC and GRAD_VISA.")
        return []
    if wanted == "random":
        print(f"Drawn by --seed {seed}:", end=" ")
    return recompute(planned, tolerance)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m gradbook.study.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recompute", metavar="NAME|random|none", default="none")
    parser.add_argument("--seed", type=int, help="which run `random` draws; else a new one each time")
    parser.add_argument("--tolerance", type=float, default=ROUNDING, help=f"{EXACT} on the machine of the records")
    chosen = parser.parse_args(arguments)
    try:
        plan, folder = read_plan(), results_folder()
        faults = check_all(folder, plan)
        print(f"{len(list(folder.glob('*.json')))} records in {folder}: {len(faults) or 'no'} faults", flush=True)
        print("\n".join(faults), file=sys.stderr, end="\n" if faults else "", flush=True)
        if chosen.recompute != "none":
            again = make_again(chosen.recompute, chosen.seed, chosen.tolerance, plan)
            print("\n".join(again), file=sys.stderr, end="\n" if again else "")
            faults += again
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
