# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PROFILE ?= demo
DEMO_STORE ?= .wagahai-demo
DATA ?= ../shared/data/goodbooks10k_sample
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-all check lint types bench lock docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

setup: $(READY) ## make the environment from requirements.lock

demo: $(READY) ## pipeline on the bundled sample, report, questions (PROFILE=smoke for a quick one)
	@rm -rf $(DEMO_STORE)
	$(BIN)/wagahai --store $(DEMO_STORE) refresh --sample --profile $(PROFILE) --seed $(SEED)
	$(BIN)/wagahai --store $(DEMO_STORE) nearest "吾輩は猫である(新潮文庫)" -k 10 --far 5
	$(BIN)/wagahai --store $(DEMO_STORE) predict u000000 "吾輩は猫である(新潮文庫)"
	$(BIN)/wagahai --store $(DEMO_STORE) recommend u000000 -k 5

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
	$(BIN)/python -m data.dictionary --check

types: $(READY) ## mypy, strict
	$(BIN)/mypy

bench: $(READY) ## how well hidden books are found, against named peers (DATA=folder, SEED=0)
	$(BIN)/python -m tests.benchmarks.retrieval --data $(DATA) --seed $(SEED)

lock: ## resolve the newest allowed versions in a fresh environment and write requirements.lock
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet torch==2.13.0 ".[dask,dev]"
	{ sed '/^[^#]/d' requirements.lock; .venv-lock/bin/pip freeze --exclude wagahai | sed 's/^torch==\([0-9.]*\).*/torch==\1/'; } > .lock-new
	mv .lock-new requirements.lock && rm -rf .venv-lock

docs: $(READY) ## regenerate DATA.md from data/schema.py
	$(BIN)/python -m data.dictionary

clean: ## remove the environment, the demo's store and caches
	rm -rf $(VENV) $(DEMO_STORE) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
