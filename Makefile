PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

export EXPORT_PIPELINES_HOME ?= $(CURDIR)/.export_pipelines
export EXPORT_PIPELINES_DAGSTER ?= $(EXPORT_PIPELINES_HOME)/dagster
export DAGSTER_HOME ?= $(CURDIR)
# without this the UI leaves empty log folders in the project, telemetry off or not
export DAGSTER_DISABLE_TELEMETRY := 1
# hundreds of processes start here: what they compile is kept, whatever the shell says; most of what is installed is never
# imported, so pip compiles nothing
unexport PYTHONDONTWRITEBYTECODE
UI_PORT ?= 3000
FAULTS ?= 1000
SEED ?= 7
SERVERS_ENV := $(EXPORT_PIPELINES_HOME)/servers/env

.PHONY: demo cluster faults collected test test-fast servers ui lint bench readers recipes clean

demo: $(VENV)/installed  ## environment, sample leads, six exports delivered to local servers, where the files are
	@$(BIN)/python -m export_pipelines_servers $(BIN)/export-pipelines demo

servers: $(VENV)/installed  ## S3, SFTP and SMTP on loopback, for trying, until Ctrl-C
	@$(BIN)/python -m export_pipelines_servers

cluster: $(VENV)/installed  ## several workers, PostgreSQL, Redis and S3 on this machine, to a finished backfill; OPTIONS="--workers 3 --kill 5"
	@$(BIN)/python -m export_pipelines_servers.cluster $(OPTIONS)

faults: $(VENV)/installed  ## so many FAULTS, by a SEED, at any moment of any work, and what must hold afterwards; ONLY=17 runs one again
	@$(BIN)/python -W ignore -m export_pipelines_faults --faults $(FAULTS) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(OPTIONS)

collected: $(VENV)/installed  ## what the tests import is compiled once, not by each of their processes; its faults are told by `make test`
	@$(BIN)/python -m pytest --collect-only > /dev/null 2>&1 || true

test: $(VENV)/installed  ## every test, on real servers that the tests start themselves
	@$(BIN)/python -m pytest -n 6

test-fast: $(VENV)/installed  ## the short tests that start no server, no process and no Dagster
	@$(BIN)/python -m pytest -n 2 -m fast

ui: $(VENV)/installed  ## the Dagster UI, with its scheduler, and exports over HTTP at 127.0.0.1:3080
	@umask 077; mkdir -p $(EXPORT_PIPELINES_DAGSTER)
	@umask 077; [ ! -f $(SERVERS_ENV) ] || . $(SERVERS_ENV); $(BIN)/export-pipelines ui --port $(UI_PORT)

lint: $(VENV)/installed  ## style, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/installed  ## speed and memory against the limits, on 1,000,000 leads
	@$(BIN)/python -m benchmarks

readers: $(VENV)/installed  ## what 41 other programs read of each format, into docs/readers.md; as root their packages are installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[readers]'
	@$(BIN)/python -m readers

recipes: $(VENV)/installed  ## runs the recipe of each program that can run here, and writes the tables of docs/recipes.md and docs/readers.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[readers]'
	@$(BIN)/python -m readers.recipes

# a new pip resolves in half the time of that which Python brings; what builds is installed once, not a second time to build with
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

$(VENV)/installed: pyproject.toml constraints.txt setup.py export_pipelines/mask/kernel.c export_pipelines/transform/json_texts.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "export_pipelines needs Python 3.11 or newer, found " + sys.version.split()[0] + "; name another with: make PYTHON=python3.12 ...")'
	@echo "installing into $(VENV) (about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) 'pip>=26' setuptools ziglang
	@$(INSTALL) --no-build-isolation -e '.[test]'
	@touch $@

clean:  ## remove the environment and everything that was exported
	rm -rf $(VENV) $(EXPORT_PIPELINES_HOME) readers/node/node_modules
