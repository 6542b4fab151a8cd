# Each target sets up what it needs by itself, once, from a fresh clone: a virtualenv (VENV) and node_modules.
# Another interpreter: make test PYTHON=python3.13 VENV=.venv-3.13

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?=
SCHEDULES ?= 10000
STORAGE ?= sqlite
export VENV PYTHON
export PATH := $(abspath $(VENV))/bin:$(PATH)

python := $(VENV)/bin/python
python_ready := $(VENV)/.ready
node_ready := node_modules/.ready

.PHONY: help demo serve test lint check campaign bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(python_ready) ## watch Apimend do its whole job against the local Azure (STORAGE=azurite)
	@$(MAKE) --silent --no-print-directory $(node_ready) || echo "Without the card renderer: a picture of a like card is shown."
	@$(python) -m demo --storage $(STORAGE)

serve: $(python_ready) ## keep the local Azure and the app running, and print their URLs
	@$(python) -m demo.serve

test: $(python_ready) ## run the tests on two cores
	@$(MAKE) --silent --no-print-directory $(node_ready) || echo "Without Azurite and the card renderer: the tests that need them are skipped."
	@$(python) -m pytest -n 2 --dist worksteal --junitxml build/test-results.xml $(ARGS)

lint: $(python_ready) ## format, lint, types and floors
	@script/check lint

check: $(python_ready) ## everything CI runs on one Python: lint, then test
	@script/check

campaign: $(python_ready) $(node_ready) ## the long random campaign of faults (SCHEDULES=10000)
	@APIMEND_SCHEDULES=$(SCHEDULES) $(python) -m pytest -n 2 --dist worksteal tests/campaign $(ARGS)

bench: $(python_ready) ## run every benchmark; benchmarks/README.md says what they measure
	@for each in $(basename $(notdir $(sort $(wildcard benchmarks/[a-z]*.py)))); do echo "== $$each"; $(python) -m "benchmarks.$$each"; done

clean: ## remove what the set-up and the runs made
	rm -rf $(VENV) node_modules build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(python_ready): requirements.txt requirements-dev.txt pyproject.toml script/setup
	@script/setup python

$(node_ready): package.json package-lock.json script/setup | $(python_ready)
	@script/setup node
