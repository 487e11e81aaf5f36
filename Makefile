# make run    set up .venv if need be and run the headline experiment on the embedded default
# make test   set up .venv if need be and pass the tests
# make test-long    the site from nothing, a Dask cluster on this computer, every command of the README and the site however long, 10,000 damaged configurations, tables and graphs each
# make test-browser    the pages in a real browser: installs Chromium (as root, on Debian or Ubuntu) and its driver where they are missing
# make docs   the documentation site in docs/site/_build/html: notebooks are run, nothing is fetched; ENGLAND=FOLDER names England's files
# make sbom   what is installed, with its hashes, as CycloneDX in sbom.json: the same bytes on every machine
# make pins   write requirements-*.txt again from pyproject.toml and constraints.txt; needs Python 3.11, 3.12 and 3.13
# Linux and macOS; Windows through WSL.

.PHONY: run test test-long test-browser docs setup lint sbom pins benchmarks clean
SHELL := /bin/sh

# the first that really runs: a version manager's shim may exist and not run
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.complete
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# nothing is built with what was not pinned: setuptools is installed by its hash, and no build has an environment of its own
HASHED := $(PIP) --require-hashes --no-build-isolation
VERSION = $$($(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

run: $(STAMP)
	@$(BIN)/causal run

test: lint
	@$(BIN)/python -m pytest -n auto --dist worksteal

# fails, and says why, where no browser can be had; it never passes without one
test-browser: $(STAMP)
	@$(BIN)/python -c 'import playwright, axe_playwright_python' 2>/dev/null || $(HASHED) -r requirements-browser.txt
	@test -n "$$CHROMIUM" || command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || test -d '/Applications/Google Chrome.app' || \
		{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		{ echo "no Chromium was found and none could be installed here; install it, or name one:  make test-browser CHROMIUM=/path/to/chromium"; exit 2; }
	@$(BIN)/python -m pytest tests/browser

docs: $(STAMP)
	@$(BIN)/python -c 'import sphinx, myst_nb, numpydoc, pydata_sphinx_theme' 2>/dev/null || $(HASHED) -r requirements-docs.txt
	@rm -rf docs/site/_build docs/site/_made
	@$(if $(ENGLAND),CAUSAL_ENGLAND=$(ENGLAND) )$(BIN)/python -m sphinx -q -W --keep-going -b html docs/site docs/site/_build/html
	@echo docs/site/_build/html/index.html

test-long: $(STAMP) docs
	@$(BIN)/python -c 'import distributed, hydra_plugins.hydra_joblib_launcher, hydra_plugins.hydra_submitit_launcher' 2>/dev/null || \
		$(HASHED) -r requirements-cluster.txt
	@CAUSAL_LONG=1 MUTATIONS=10000 $(BIN)/python -m pytest -n auto --dist worksteal

lint: $(STAMP)
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

setup: $(STAMP)

$(STAMP): pyproject.toml requirements-3.11.txt requirements-3.12.txt requirements-3.13.txt requirements-build.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with venv is needed and none was found; name one with  make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 2; }
	@echo "setting up .venv with $(PYTHON) (some minutes, once)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(HASHED) -r requirements-build.txt
	@$(HASHED) -r requirements-$(call VERSION,$(BIN)/python).txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# what writes the list stands in an environment of its own, and so is not on it
sbom: $(STAMP)
	@test -x .venv/sbom/bin/cyclonedx-py || { $(BIN)/python -m venv .venv/sbom && .venv/sbom/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements-sbom.txt; }
	@.venv/sbom/bin/python .ci/sbom.py requirements-$(call VERSION,$(BIN)/python).txt > sbom.json
	@echo sbom.json

COMPILE := pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --strip-extras --allow-unsafe
EXTRA = import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")

# each on its own Python; an existing file's versions are kept where pyproject.toml and constraints.txt still allow them
pins:
	@set -e; export CUSTOM_COMPILE_COMMAND="make pins"; for v in 3.11 3.12 3.13; do \
		at=$$(mktemp -d); python$$v -m venv $$at; $$at/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2; \
		$$at/bin/$(COMPILE) --extra dev -c constraints.txt -o requirements-$$v.txt pyproject.toml; \
		if test $$v = 3.11; then \
			echo setuptools | $$at/bin/$(COMPILE) -c requirements-3.11.txt -o requirements-build.txt -; \
			$$at/bin/python -c '$(EXTRA)' cluster | $$at/bin/$(COMPILE) -c requirements-3.11.txt -o requirements-cluster.txt -; \
			for extra in browser docs sbom; do $$at/bin/python -c '$(EXTRA)' $$extra | $$at/bin/$(COMPILE) -c constraints.txt -o requirements-$$extra.txt -; done; \
		fi; rm -rf $$at; done

clean:
	rm -rf .venv build *.egg-info sbom.json docs/site/_build docs/site/_made
