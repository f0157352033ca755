# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PROFILE ?= demo
DEMO_STORE ?= .wagahai-demo
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-all check lint types bench docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

setup: $(READY) ## make the environment from requirements.lock

demo: $(READY) ## pipeline on the bundled sample, report, one query (PROFILE=smoke for a quick one)
	$(BIN)/wagahai --store $(DEMO_STORE) refresh --sample --profile $(PROFILE) --seed $(SEED)
	$(BIN)/wagahai --store $(DEMO_STORE) nearest "吾輩は猫である(新潮文庫)" -k 10 --far 5

serve: $(READY) ## run the scheduled deployments of prefect.yaml until interrupted
	$(BIN)/wagahai serve

test: $(READY) ## the test suite, without what is slow
	$(BIN)/pytest -m "not slow and not gpu and not browser"

test-all: $(READY) ## every test this machine can run
	$(BIN)/pytest

check: lint types ## everything that reads the code without running it

lint: $(READY) ## ruff, import rules, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m reports.dictionary --check

types: $(READY) ## mypy, strict
	$(BIN)/mypy

bench: $(READY) ## benchmarks against named peers (DATA=..., SEED=...)
	$(BIN)/python -m tests.benchmarks.spaces --data $(DATA) --seed $(SEED)

docs: $(READY) ## regenerate DATA.md from data/schema.py
	$(BIN)/python -m reports.dictionary

clean: ## remove the environment, the demo's store and caches
	rm -rf $(VENV) $(DEMO_STORE) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
