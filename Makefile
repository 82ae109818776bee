# Python 3.11 or newer; `make PYTHON=python3.13 ...` creates the .venv with another one.
PYTHON ?= python3
# Additional arguments for pytest (`make test ARGS=tests/gateway/test_geo.py`) or for `make pins` (`ARGS=--upgrade`).
ARGS =
# One process more than there are processors, because many tests wait for something. At most four, because each runs a
# PostgreSQL server and a browser. With worksteal, the tests of a file mostly stay in one process and share its fixtures,
# and a process that is done takes over tests from another.
PROCESSES = $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() + 1))')
SPREAD = --numprocesses $(PROCESSES) --dist worksteal
VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
RUNTIME = $(VENV)/.installed
DEV = $(VENV)/.installed-dev
# The sources of the web pages, which are built on installation.
WEB = hatch_build.py $(addprefix gateway/web/,package-lock.json tsconfig.json build.mjs) $(shell find gateway/web/src -type f)
COMPILE = UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--custom-compile-command "make pins" --annotation-style line $(ARGS)

.PHONY: help demo test test-fast lint web screenshots pins clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## Run a gateway with sample data, on port 8000 or CLICKGATE_PORT
	@$(BIN)/clickgate demo

# Where the environment keeps Python from storing bytecode, as in many containers, each of the tests' hundreds of
# processes would compile every module again.
test test-fast: export PYTHONDONTWRITEBYTECODE =

test: $(DEV) ## Run all tests
	$(BIN)/pytest --ignore=tests/benchmarks $(SPREAD) $(ARGS)

test-fast: $(DEV) ## Run the fast tests, which need no browser and no PostgreSQL
	$(BIN)/pytest --ignore=tests/benchmarks -m "not browser and not postgresql and not slow" $(SPREAD) $(ARGS)

lint: $(DEV) ## Check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

web: $(BIN)/pip ## Build the web pages if the installation could not, and report errors
	CLICKGATE_WEB=required $(PIP) install --quiet --no-deps --editable .

screenshots: $(DEV) ## Update the screenshots of the web pages
	$(BIN)/python -m tests.support.screenshots

pins: $(BIN)/pip ## Update both requirements files from pyproject.toml; ARGS=--upgrade also updates the versions
	$(PIP) install --quiet uv
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) --extra dev --constraints requirements.txt pyproject.toml --output-file requirements-dev.txt

clean: ## Remove .venv, caches and build results, but no databases
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist gateway/web/dist gateway/web/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# venv installs pip last, so its presence shows that the environment is complete.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: set PYTHON=")'
	$(PYTHON) -m venv --clear $(VENV)

$(RUNTIME): requirements.txt pyproject.toml $(WEB) | $(BIN)/pip
	$(PIP) install --quiet --requirement requirements.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

# The development pins include the runtime's, so that one installation serves both.
$(DEV): requirements-dev.txt requirements.txt pyproject.toml $(WEB) | $(BIN)/pip
	$(PIP) install --quiet --requirement requirements-dev.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $(RUNTIME) $@
