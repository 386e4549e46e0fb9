# The main commands are `make toy` and `make test`. Both first set up .venv if necessary.
PYTHON ?= python3.11
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
# Versions and hashes of all packages. LOCK=constraints.txt: versions alone, for builds with other hashes.
LOCK ?= lock.txt
REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt lock-pip.txt $(LOCK)
# This file exists when the set-up of .venv is complete. A change of the requirements updates .venv.
READY := $(VENV)/.ready
# Not $(BIN)/snakemake, which has the path of its interpreter in its first line: that may be too long,
# or another one since the folder was moved.
SNAKEMAKE := $(BIN)/python -m snakemake
# Runs Snakemake with options. A run that was killed leaves locks behind, which stop the next one.
run = echo $(SNAKEMAKE) --cores $(CORES) $(1); \
	$(SNAKEMAKE) --cores $(CORES) $(1) || { code=$$?; ! ls .snakemake/locks/*.lock >/dev/null 2>&1 \
	|| echo "Another run is at work in this folder, or one was killed. After a kill: make unlock, and the same again." >&2; exit $$code; }
# Scale of `make report`.
SCALE ?= toy
RESULTS = results$(if $(filter-out paper,$(SCALE)),/$(SCALE))
# Of `make evidence`: the paper, the name of the run, and the command that makes it again.
PAPER ?= boucaud2020
RUN = $(SCALE)
COMMAND = $(if $(filter paper,$(SCALE)),snakemake --cores 8,make $(SCALE))
SMALL := tests/unit $(patsubst %,tests/workflow/test_%.py,config dry_run bad_input sources module)
TOY_TESTS := $(patsubst %,tests/workflow/test_%.py,toy report reruns)
# Without the long tests: see test-all.
CHOSEN ?= not full
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
SOURCES := src workflow tools tests benchmarks

# Caches of Snakemake and pip, if the home folder cannot be written. The workflow sees to those of its
# own packages.
ifneq ($(shell test -d "$$HOME" -a -w "$$HOME" || echo no),)
export XDG_CACHE_HOME ?= $(CURDIR)/.snakemake/caches
endif

.DEFAULT_GOAL := help
.PHONY: help place env toy small published report evidence weights summary figure plan paper_scale readme unlock lock test test-all test-toy test-workflow lint format docs bench clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z_-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Snakemake takes braces for names of wildcards, and a colon separates folders in PATH.
place:
	@case "$$(pwd -P)" in *[{}:]*) echo "the path of this folder, $$(pwd -P), has a brace or a colon: rename it (spaces and other characters are fine)" >&2; exit 1;; esac

$(READY): $(REQUIREMENTS) | place
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11, 3.12 or 3.13, or run make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 5) <= sys.version_info[:3] < (3, 14) and "Python 3.11 (from 3.11.5), 3.12 or 3.13 is needed, this is %d.%d.%d: run make PYTHON=..." % sys.version_info[:3])'
	sh envs/install.sh $(PYTHON) $(VENV) $(LOCK) requirements.txt requirements-dev.txt
	@touch $@

env: $(READY) ## Set up the environment in .venv only

toy: $(READY) ## Make all results at toy scale from simulated galaxies, in a quarter of an hour
	@$(call run,--configfile config/toy.yaml)
	@$(MAKE) --no-print-directory summary SCALE=toy

small: $(READY) ## Make all results at laptop scale, large enough to test the papers' claims
	@$(call run,--configfile config/small.yaml)
	@$(MAKE) --no-print-directory summary SCALE=small

# F is a paper and a figure: hemmati2022/fig6. Figures of Boucaud et al. have no folder of their own.
figure: $(READY) ## Make one figure and what it needs (F=hemmati2022/fig6 SCALE=small)
	@test -n "$(F)" || { echo "name a figure: make figure F=hemmati2022/fig6 SCALE=small" >&2; exit 1; }
	@$(call run,$(RESULTS)/figures/$(patsubst boucaud2020/%,%,$(F)).pdf $(if $(filter-out paper,$(SCALE)),--configfile config/$(SCALE).yaml))
	@echo "Figure: $(RESULTS)/figures/$(patsubst boucaud2020/%,%,$(F)).pdf"

plan: $(READY) ## Hours, memory, disk and downloads of a run, and of larger ones (SCALE=paper)
	@$(BIN)/python tools/plan.py $(if $(filter-out paper,$(SCALE)),config/$(SCALE).yaml)

# A download of 1 MB; no network is trained.
published: $(READY) ## Figures 5 to 9, claims and findings from Boucaud et al.'s own catalogue
	@$(call run,published $(if $(filter-out paper,$(SCALE)),--configfile config/$(SCALE).yaml))
	@echo "Figures and tables: $(RESULTS)/published"

# Time for all networks together; 0m makes the data only. OPTIONS are Snakemake's.
BUDGET ?= 25m
paper_scale: $(READY) ## Train all papers' networks at paper scale on one GPU for so long (BUDGET=25m)
	$(BIN)/python tools/paper_scale.py $(BUDGET) --cores $(CORES) -- $(OPTIONS)

# Snakemake's package has the page's JavaScript, so that nothing is downloaded.
report: $(READY) ## Put figures and tables of the toy run on one HTML page (SCALE=small: of make small)
	@test -f $(RESULTS)/report/first_page.html || { echo "there are no results in $(RESULTS): run make $(SCALE) first" >&2; exit 1; }
	@papers=$$($(BIN)/python -c "import json, sys; print(json.load(open(sys.argv[1]))['config']['papers'])" $(RESULTS)/report/circumstances.json); \
	$(SNAKEMAKE) $(if $(wildcard $(RESULTS)/benchmark/which.md),all benchmark) $(if $(filter-out paper,$(SCALE)),--configfile config/$(SCALE).yaml) \
	--config "papers=$$papers" --report $(RESULTS)/report.html --report-stylesheet workflow/report/report.css >$(RESULTS)/logs/report.log 2>&1 \
	|| { tail -n 3 $(RESULTS)/logs/report.log >&2; echo "no report was made: run make $(SCALE) first" >&2; exit 1; }
	@echo "Report: $(RESULTS)/report.html"

evidence: SCALE = small
evidence: $(READY) ## Copy tables and small pictures of a finished run to evidence/ (PAPER=... SCALE=small)
	$(BIN)/python tools/collect_evidence.py $(PAPER) $(RESULTS) --name $(RUN) --command "$(COMMAND)"
	@$(MAKE) --no-print-directory readme

weights: SCALE = small
weights: $(READY) ## Copy trained networks of a finished run to evidence/weights/ (SCALE=small)
	$(BIN)/python tools/collect_weights.py $(RESULTS)

readme: $(READY) ## Fill in the numbers of README.md and docs/ from evidence/, and write its index
	$(BIN)/python tools/measured_rates.py
	$(BIN)/python tools/quote_evidence.py
	$(BIN)/python tools/list_evidence.py

# The end of what `make toy` and `make small` show.
summary:
	@echo
	@cat $(RESULTS)/tables/highlights.txt
	@echo
	@cat $(RESULTS)/benchmarks/job_time.txt
	@echo
	@echo "Figures: $(RESULTS)/figures; each published number and claim: $(RESULTS)/tables"
	@$(MAKE) --no-print-directory report

unlock: $(READY) ## Allow the next run after one was killed (kill -9, power cut), if none is alive
	@$(BIN)/python tools/unlock.py

# Unit tests, dry runs and the smallest runs have one thread each. The other tests start workflows; those that
# share the toy run beside those that do not.
test: $(READY) lint ## Check the code and run all tests but the long ones (make test-all)
	$(ONE_THREAD) $(BIN)/python -m pytest $(SMALL) --numprocesses $(CORES) --dist worksteal -m "$(CHOSEN)"
	+@$(MAKE) --no-print-directory --keep-going --jobs 2 --output-sync=line test-toy test-workflow

# The suites of faults and hostile files also record what they found, for docs/reliability.md.
test-all: test ## The same, then the long tests, which take an hour more: also each fault for each kind of rule and file
	rm -rf evidence/reliability
	$(ONE_THREAD) DEBLEND_RECORD="$(CURDIR)/evidence/reliability" $(BIN)/python -m pytest tests/unit/test_hostile.py --numprocesses $(CORES)
	$(ONE_THREAD) DEBLEND_RECORD="$(CURDIR)/evidence/reliability" $(BIN)/python -m pytest -m full tests --ignore=tests/unit/test_hostile.py
	@$(MAKE) --no-print-directory readme

test-toy: $(READY)
	$(BIN)/python -m pytest $(TOY_TESTS) -m "$(CHOSEN)"

test-workflow: $(READY)
	$(BIN)/python -m pytest tests/workflow tests/slurm $(SMALL:%=--ignore=%) $(TOY_TESTS:%=--ignore=%) -m "$(CHOSEN)"

lock: $(READY) ## Write the versions and hashes of all packages for all platforms (network)
	$(BIN)/python tools/lock.py

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

docs: $(READY) ## Write the pages that are made from the code, and build all as a site in site/
	$(BIN)/python tools/document_configuration.py
	$(BIN)/python tools/draw_architecture.py docs/architecture.svg
	$(BIN)/python tools/document_workflow.py
	$(BIN)/python -m mkdocs build --strict --quiet

bench: $(READY) ## Time the hot paths against baselines (nothing else should run meanwhile)
	$(BIN)/python -m pytest benchmarks --benchmark-json benchmarks/.run.json
	$(BIN)/python benchmarks/ratios.py benchmarks/.run.json benchmarks/ratios.csv
	$(BIN)/python benchmarks/growth.py benchmarks/results.md

clean: ## Remove the results of the toy run (results at other scales are kept)
	rm -rf results/toy
