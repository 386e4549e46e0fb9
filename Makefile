# Two commands: `make toy` and `make test`. Both set up .venv first, once.
PYTHON ?= python3.11
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt
# A set-up is complete when this file exists; it is made anew when a pin changes.
READY := $(VENV)/.ready
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
SMALL := tests/unit $(patsubst %,tests/workflow/test_%.py,config dry_run bad_input sources)
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
SOURCES := src workflow tools tests benchmarks

.DEFAULT_GOAL := help
.PHONY: help env toy small test lint format docs bench clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): $(REQUIREMENTS)
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not there: install Python 3.11, or say make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed, this is %d.%d" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt -c constraints.txt
	@touch $@

env: $(READY) ## Set up the environment in .venv, nothing more

toy: $(READY) ## Regenerate everything at toy scale from simulated galaxies, in minutes
	$(SNAKEMAKE) --configfile config/toy.yaml
	@echo "Done: results/toy/figures"

small: $(READY) ## The same at laptop scale, large enough to check the papers' claims
	$(SNAKEMAKE) --configfile config/small.yaml

# Unit tests, dry runs and the smallest runs go side by side, one thread each; the others start
# workflows on all cores.
test: $(READY) lint ## Check the code and pass every test that this machine can run
	$(ONE_THREAD) $(BIN)/python -m pytest $(SMALL) --numprocesses $(CORES) --dist worksteal
	$(BIN)/python -m pytest tests/workflow tests/slurm $(SMALL:%=--ignore=%)

lint: $(READY) ## Format, lint, spelling and type checks
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/python tools/lint_workflow.py

format: $(READY) ## Format the code
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/snakefmt Snakefile workflow

docs: $(READY) ## Write the pages and the picture that are made from the code
	$(BIN)/python tools/document_configuration.py
	$(BIN)/python tools/draw_architecture.py docs/architecture.svg

bench: $(READY) ## Time the hot paths against baselines (nothing else should run meanwhile)
	$(BIN)/python -m pytest benchmarks --benchmark-json benchmarks/.run.json
	$(BIN)/python benchmarks/ratios.py benchmarks/.run.json benchmarks/ratios.csv

clean: ## Remove results of the toy run (never those at paper scale)
	rm -rf results/toy
