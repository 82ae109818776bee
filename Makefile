# Python 3.11 or newer; `make PYTHON=python3.13 ...` names another one for a new .venv.
PYTHON ?= python3
# More arguments: for pytest (`make test ARGS=tests/gateway/test_geo.py`), or for `make pins` (`ARGS=--upgrade`).
ARGS =
# Each process has a PostgreSQL server and a browser of its own, which take memory. Each takes its share of the tests in
# their order, so a file's tests mostly stay together, as its fixtures do; one that is done takes over half of another's.
SPREAD = --numprocesses auto --maxprocesses 4 --dist worksteal
VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
RUNTIME = $(VENV)/.installed
DEV = $(VENV)/.installed-dev
# What the web pages are built from, which an installation does.
WEB = hatch_build.py $(addprefix gateway/web/,package-lock.json tsconfig.json build.mjs) $(shell find gateway/web/src -type f)
COMPILE = UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--custom-compile-command "make pins" --annotation-style line $(ARGS)

.PHONY: help demo test test-fast lint web screenshots pins clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## Run a gateway filled with a demonstration's clicks; CLICKGATE_PORT is its port, else 8000
	@$(BIN)/clickgate demo

test: $(DEV) ## Run the tests
	$(BIN)/pytest --ignore=tests/benchmarks $(SPREAD) $(ARGS)

test-fast: $(DEV) ## Run the tests that need no browser, no PostgreSQL and little time
	$(BIN)/pytest --ignore=tests/benchmarks -m "not browser and not postgresql and not slow" $(SPREAD) $(ARGS)

lint: $(DEV) ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

web: $(BIN)/pip ## Build the web pages, where the installation could not; say what is wrong if that fails
	CLICKGATE_WEB=required $(PIP) install --quiet --no-deps --editable .

screenshots: $(DEV) ## Take the README's pictures of the web pages anew
	$(BIN)/python -m tests.support.screenshots

pins: $(BIN)/pip ## Write both requirements files anew from pyproject.toml; with ARGS=--upgrade, with newer versions
	$(PIP) install --quiet uv
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) --extra dev --constraints requirements.txt pyproject.toml --output-file requirements-dev.txt

clean: ## Remove .venv and the caches; databases stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist gateway/web/dist gateway/web/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip comes last into a new environment, so a half-made one is not taken for a whole one.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=")'
	$(PYTHON) -m venv --clear $(VENV)

$(RUNTIME): requirements.txt pyproject.toml $(WEB) | $(BIN)/pip
	$(PIP) install --quiet --requirement requirements.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

# What a run needs is among the pins for development, so that one installation serves both.
$(DEV): requirements-dev.txt requirements.txt pyproject.toml $(WEB) | $(BIN)/pip
	$(PIP) install --quiet --requirement requirements-dev.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $(RUNTIME) $@
