# make run    set up .venv if need be and run the headline experiment on the embedded default
# make test   set up .venv if need be and pass the tests
# Linux and macOS; Windows through WSL.

.PHONY: run test setup lint benchmarks clean
SHELL := /bin/sh

# the first that really runs: a version manager's shim may exist and not run
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.complete

run: $(STAMP)
	@$(BIN)/causal run

test: lint
	@$(BIN)/python -m pytest -n auto

lint: $(STAMP)
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with venv is needed and none was found; name one with  make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 2; }
	@echo "setting up .venv with $(PYTHON) (some minutes, once)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv build *.egg-info
