PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8000
CORES  := -n auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup run test faults kills failover lint check format bench load growth lock audit clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Create .venv with the locked packages

run: $(VENV)/.ready ## Serve the demonstration ledger on http://127.0.0.1:8000 (PORT= changes it)
	@exec $(BIN)/python -m api serve --demonstration --port $(PORT) $(ARGS)

test: $(VENV)/.ready ## Run the tests on all cores; T=tests/domain for a part
	@$(BIN)/python -m pytest $(CORES) -m "not slow and not failover" $(T)

faults: $(VENV)/.ready ## Run the slow tests: services started, killed and restored, a million events
	@$(BIN)/python -m pytest $(CORES) -m slow $(T)

kills: $(VENV)/.ready ## Cut steps off at a thousand random moments, all checked after each; ARGS="--points 100 --minutes 10"
	@$(BIN)/python -m tests.faults $(ARGS)

failover: $(VENV)/.ready ## Kill the leading one of two PostgreSQL servers under load, and let the network to one swallow everything
	@$(BIN)/python -m pytest -s -m failover tests/availability tests/faults

lint: $(VENV)/.ready ## Check format, style and the direction of dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo
	@! grep -n '://' requirements.lock

check: lint ## Format, lint, types, layers, all tests but those of make failover
	@$(BIN)/pyright
	@$(BIN)/python -m pytest $(CORES) -m "not failover"

format: $(VENV)/.ready ## Format the code and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.ready ## Measure against named peers; writes benchmarks/latest.json
	@$(BIN)/python -m benchmarks $(ARGS)

load: $(VENV)/.ready ## Caseworkers, reviewers and supervisors at once; ARGS=10 for ten minutes; writes benchmarks/latest-load.json
	@$(BIN)/python -m benchmarks.mixed $(ARGS)

growth: $(VENV)/.ready ## Costs at 10 thousand to a million events; ARGS="10000 5000000"; writes benchmarks/latest-growth.json
	@$(BIN)/python -m benchmarks.growth $(ARGS)

lock: ## Pin every package with its hash in requirements.lock
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet uv
	@.venv-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet -o requirements.lock

audit: ## Ask whether a locked package has a known vulnerability; fails on one, says so when it cannot ask
	@$(PYTHON) -m venv .venv-audit
	@if .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; \
	    then .venv-audit/bin/python .ci/audit .venv-audit/bin/pip-audit requirements.lock; \
	    else echo "audit: pip-audit could not be fetched: not checked"; fi

clean: ## Remove .venv and caches; leaves the data in .caseledger alone
	@rm -rf $(VENV) .venv-lock .venv-audit .pytest_cache .ruff_cache .hypothesis

$(VENV)/.ready: requirements.lock pyproject.toml api/pages/design/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit("caseledger needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (a minute the first time)"
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV); }
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m api design install || true
	@touch $@
