# `make book` builds the site, `make test` checks everything. Both set up what they need and skip what is done.

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
BUILT := _build/.built

# What a page depends on: its text, the library, the committed results and the configuration.
SOURCES := $(shell find book gradlib data -type f -not -path '*/_vendor/*' -not -path '*/_generated/*' -not -path '*/.*' -not -name '*.pyc') \
  _config.yml _toc.yml package-lock.json

.NOTPARALLEL:
.PHONY: help book test check results results-check cost speed faults gpu-bench peers lab lock clean

help:
	@echo "make book     install, execute and build the book to _build/html"
	@echo "make test     install and build if need be, then run every check"
	@echo "make lab      open the chapters in JupyterLab"
	@echo "make lock     renew requirements.lock and .hashes after an edit of requirements.txt"
	@echo "make results  make the records missing in data/results that this machine can; MVTEC=path VISA=path CORES=2 GPUS=1"
	@echo "make results-check  check every record and make one, drawn at random, anew; MVTEC=path VISA=path"
	@echo "make cost     measure sizes, seconds and memory on this machine, some minutes"
	@echo "make speed    measure each piece beside another way of doing it, half an hour"
	@echo "make faults   kill processes at random moments and look for what was lost, some minutes"
	@echo "make gpu-bench  measure on the CUDA device that is here: steps, a full training, accuracy; MVTEC=path"
	@echo "make peers    install what the peers' runs need beside"
	@echo "make clean    remove the built book"

book: $(BUILT)
	@echo "The book is built. Open it:   $(CURDIR)/_build/html/index.html"
	@echo "or serve it on this machine:  $(PYTHON) -m http.server --bind 127.0.0.1 --directory _build/html 8000"

# Two files at a time, each on one thread: PyTorch's threads wait for each other at full speed where cores are shared.
BESIDE := OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses 2 --dist loadfile

test: check $(BUILT)
	$(BESIDE) --cov --cov-report=term-missing:skip-covered
	$(BESIDE) --nbmake --durations=0 book/ # how long each chapter took is part of the answer

check: $(INSTALLED)
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	$(PYTHON) -m codespell_lib
	$(VENV)/bin/lint-imports --no-logo
	$(PYTHON) -m deptry gradlib book/gradbook
	$(PYTHON) -m nbstripout --verify --keep-id --extra-keys "metadata.language_info metadata.papermill metadata.widgets cell.metadata.papermill" book/*.ipynb

# The ledger: every run of data/plan.yaml that has data, weights and a GPU here; what exists is not made again (Snakefile).
CORES := 2
GPUS := 1
IMAGES = $(if $(MVTEC),GRAD_MVTEC="$(MVTEC)") $(if $(VISA),GRAD_VISA="$(VISA)")

results: $(INSTALLED)
	$(IMAGES) $(VENV)/bin/snakemake --cores $(CORES) --resources gpu=$(GPUS) -- possible

results-check: $(INSTALLED)
	$(IMAGES) $(PYTHON) -m gradbook.study.check --recompute random

cost: $(INSTALLED)
	$(PYTHON) -m gradbook.bench.cost

speed: $(INSTALLED)
	$(PYTHON) -m gradbook.bench.speed

faults: $(INSTALLED)
	$(PYTHON) -m gradbook.bench.faults

gpu-bench: $(INSTALLED)
	$(IMAGES) $(PYTHON) -m gradbook.bench.gpu

peers: $(INSTALLED)
	$(PYTHON) -m pip install -r requirements-results.txt -c requirements.lock

lab: $(INSTALLED)
	$(PYTHON) -m jupyterlab $(LAB)

LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header

lock: $(PYTHON)
	$(PYTHON) -m pip install --quiet uv
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) --generate-hashes --constraints requirements.lock requirements.txt -o requirements.hashes

clean:
	rm -rf _build book/_generated

# Every page is executed and written anew, so none can be left over from another state of the sources.
$(BUILT): $(INSTALLED) $(SOURCES)
	rm -rf _build
	@mkdir _build && touch _build/.began
	$(VENV)/bin/jupyter-book build . -n -W --keep-going --all
	@mv _build/.began $@ # its time is that of the beginning: what was edited meanwhile is built again

# What is downloaded must be the very files that passed: the list is whole, dependencies included, and has their hashes.
$(INSTALLED): requirements.txt requirements.hashes pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --no-deps --require-hashes -r requirements.hashes
	$(PYTHON) -m pip install --no-deps -e .
	@touch $@

# The first Python on the path that is new enough; a folder without pip is not kept, or the next run would trust it.
$(PYTHON):
	@for python in python3 python3.13 python3.12 python3.11 python; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11, 4))' 2>/dev/null; then \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "$$python cannot create a virtual environment (the lines above say why); mend that, then run make again." >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "Python 3.11.4 or newer is needed, and no python3 here is: install one, then run make again." >&2; \
	exit 1
