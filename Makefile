# What a newcomer needs: `make demo` and `make test`. Both make .venv from nothing and leave it alone afterwards.

PYTHON ?= python3
BIN := .venv/bin
# The environment of an editable checkout, without whatever the caller's shell says of pip's own checks.
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# Compiled once, not by each of the hundred processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-recorded test-system soak system lint fmt bench pictures venv dev check-python

demo: venv
	@$(BIN)/nta demo

venv: .venv/run.stamp

dev: .venv/dev.stamp

check-python:
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(None if ok else "nta needs Python 3.11 to 3.13; say make PYTHON=python3.12")'

.venv/bin/python: | check-python
	$(PYTHON) -m venv .venv

# Python brings a pip and setuptools of its own age; ours do everything from here on.
.venv/base.stamp: .lock/base.txt | .venv/bin/python
	$(PIP) install --require-hashes -r .lock/base.txt
	@touch $@

.venv/run.stamp: .lock/run.txt pyproject.toml .venv/base.stamp
	$(PIP) install --require-hashes -r .lock/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: .lock/dev.txt .venv/run.stamp
	$(PIP) install --require-hashes -r .lock/dev.txt
	@touch $@

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# All that pip can bring, and nothing beside the checkout but the recorded data, where it is; the world keeps one worker, everything else the other.
test: dev
	$(BIN)/python -m pytest -m "not system" -n 2 --dist loadgroup
	@echo "These need system programs (make system prints how to install them) or install packages; make test-system runs them:"
	@$(BIN)/python -m pytest -m system --collect-only -q $$(grep -rl mark.system tests --include="test_*.py") | grep :: | sed "s/^/  /"

# The tests that read recorded data: from NTA_TEST_DATA or beside the checkout. Where there is none, one line says so.
test-recorded: dev
	$(BIN)/python -m pytest tests/recorded -n 2 --dist loadgroup

# The tests that need the programs `make system` names or install the wheel; what is missing is a failure, nothing is skipped.
test-system: dev
	$(BIN)/python -m pytest -m system -n 2 --dist loadgroup

# World after world with faults of its own, and all fuzz tests, each for so long; needs what `make system` names.
soak: export NTA_SOAK_SECONDS := $(or $(NTA_SOAK_SECONDS),3600)
soak: dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/world/test_faults.py $$(find tests -name "test_fuzz_*.py")

system:
	@echo "apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core nginx-light postgresql"

bench: dev
	$(BIN)/python -m tests.benchmarks

pictures: dev
	$(BIN)/python -m tests.pictures
