# All runs of data/plan.yaml, each the training chapter as an executed notebook, each leaving data/results/<name>.json.
#
#   snakemake -n                    what the whole reproduction still lacks, runs without data or a GPU here included
#   snakemake -c2                   make it; -c2: two cores
#   snakemake -c2 possible          only what this machine has data, weights, packages and a GPU for
#   snakemake -c2 data/results/parts-full-seed0.json
#   snakemake --profile profiles/slurm
#
# A record that exists is never made again. A run that was killed goes on from its checkpoint in runs/<name>, one that
# failed leaves its notebook there as the report. The images' folders: GRAD_MVTEC and GRAD_VISA, or
# `--config mvtec=path visa=path`. Options that this needs stand in profiles/default.

import os
import re
import sys
from pathlib import Path

from gradbook.paths import results_folder, runs_folder
from gradbook.study.needs import missing
from gradbook.study.plan import read_plan
from gradlib.data.archives import ARCHIVES
from gradlib.data.samples import root_variable

for dataset in ARCHIVES:
    if config.get(dataset):
        os.environ[root_variable(dataset)] = str(Path(config[dataset]).expanduser().resolve())

PLAN = read_plan()


def here(path):
    """A path as one types it: relative where it lies below the working directory."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def needs_gpu(wildcards):
    return "gpu" in PLAN[wildcards.name].needs


RECORD = here(results_folder() / "{name}.json")
NOTEBOOK = here(runs_folder() / "{name}" / "run.ipynb")


rule all:
    input:
        expand(RECORD, name=PLAN),


rule possible:
    input:
        lambda wildcards: expand(RECORD, name=[name for name, planned in PLAN.items() if not missing(planned)]),


rule run:
    output:
        RECORD,
    log:
        NOTEBOOK,
    wildcard_constraints:
        name="|".join(map(re.escape, PLAN)),
    threads: lambda wildcards: 8 if needs_gpu(wildcards) else 1
    resources:
        gpu=lambda wildcards: int(needs_gpu(wildcards)),
        mem_mb=lambda wildcards: 48_000 if needs_gpu(wildcards) else 4_000,
        runtime=lambda wildcards: 1_440 if needs_gpu(wildcards) else 240,  # minutes
    params:
        python=sys.executable,
    shell:
        "{params.python:q} -m gradbook.study.runs notebook {wildcards.name}"
