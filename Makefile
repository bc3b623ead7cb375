# Everything a person does with a clone. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo openstack ravenstack xuetangx test check docs bench chaos tone lock clean

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
# Workers of the test run; the suite is written for two cores.
WORKERS ?= 2

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.base ## .venv/bin/beforehand, from the hashed locks

demo: setup ## a simulated company: load, run, the most urgent alerts with story, proof and what is done then
	scripts/demo.sh

openstack: setup ## real history: who stopped contributing to OpenStack, and who saw it coming
	examples/openstack/run.sh

ravenstack: setup ## a made-up data set in which no signal can beat chance, and none does
	examples/ravenstack/run.sh

xuetangx: setup ## real courses: who drops out, told at day 15 to 30 beside naming whoever has been away longest
	examples/xuetangx/run.sh

test: .venv/.dev ## the whole test suite
	$(BIN)/pytest -n $(WORKERS)

check: .venv/.dev ## style, types, direction of the rooms, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/docs

docs: .venv/.dev ## write docs/reference and the JSON Schemas anew from the code
	$(BIN)/python -m beforehand.workspace.schemas
	$(BIN)/python scripts/reference.py

bench: .venv/.dev ## the ratios of speed and size, each measured in one run
	bench/run.sh

chaos: .venv/.dev ## run and workers killed at random while 10,000 runs write to customers: nothing twice, nothing lost
	$(BIN)/python bench/chaos.py

tone: .venv/.train ## train the base reader of tone anew, and print its figures beside VADER and TF-IDF
	OMP_NUM_THREADS=1 $(BIN)/python scripts/tone/train.py --taught
	$(BIN)/python bench/tone.py

lock: .venv/.dev ## resolve the dependencies anew; no host is written into the locks
	scripts/lock.sh

clean: ## remove what make and the tools made; workspaces are left alone
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench scripts examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each says that .venv holds what these files ask for.
.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Beforehand needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)."; \
	  echo "Install one and name it: make setup PYTHON=python3.12"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; } >&2
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@touch $@

.venv/.uv: requirements-setup.lock | .venv/.python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock \
	  || echo "uv cannot be installed here; going on with pip, which is slower." >&2
	@touch $@

.venv/.base: requirements.lock pyproject.toml | .venv/.uv
	@if $(BIN)/uv --version >/dev/null 2>&1; then \
	  $(UV) --require-hashes -r requirements.lock && $(UV) --no-deps --no-build-isolation --editable .; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
	@# Ahead of time, because many machines forbid Python to write byte code, and then each start compiles everything.
	@$(BIN)/python -m compileall -q -j 0 .venv/lib src || true
	@touch $@
	@echo "Ready: $(BIN)/beforehand"

.venv/.dev: requirements-dev.lock .venv/.base
	@if $(BIN)/uv --version >/dev/null 2>&1; then $(UV) --require-hashes -r requirements-dev.lock; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock; fi
	@touch $@

.venv/.train: requirements-train.lock .venv/.base
	@if $(BIN)/uv --version >/dev/null 2>&1; then $(UV) --require-hashes -r requirements-train.lock; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-train.lock; fi
	@touch $@
