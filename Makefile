# make run    set up .venv if need be and run the headline experiment on the embedded default
# make test   set up .venv if need be and pass the tests
# make test-browser    the pages in a real browser: installs Chromium (as root, on Debian or Ubuntu) and its driver where they are missing
# Linux and macOS; Windows through WSL.

.PHONY: run test test-browser setup lint benchmarks clean
SHELL := /bin/sh

# the first that really runs: a version manager's shim may exist and not run
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.complete

run: $(STAMP)
	@$(BIN)/causal run

test: lint
	@$(BIN)/python -m pytest -n auto --dist worksteal

# fails, and says why, where no browser can be had; it never passes without one
test-browser: $(STAMP)
	@$(BIN)/python -c 'import playwright, axe_playwright_python' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,browser]'
	@test -n "$$CHROMIUM" || command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || test -d '/Applications/Google Chrome.app' || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		{ echo "no Chromium was found and none could be installed here; install it, or name one:  make test-browser CHROMIUM=/path/to/chromium"; exit 2; }
	@$(BIN)/python -m pytest tests/browser

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
