.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup assets demo test test-sqlite test-postgres check format bench million screenshots lock clean

PYTHON ?= python3
export PYTHON
BIN := .venv/bin
export WORKERS ?= 3
MILLION ?= /var/tmp/ccportal-million

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

setup: .venv/.synced static/vendor/.copied ## Install the environment and the front-end packages

.venv/.synced: requirements.lock scripts/environment.sh
	@scripts/environment.sh

static/vendor/.copied: package-lock.json scripts/assets.sh | .venv/.synced
	@scripts/assets.sh

assets: | .venv/.synced ## Copy the front-end packages into static/vendor again
	@scripts/assets.sh

demo: setup ## Run a portal with two tenants and live calls on 127.0.0.1
	@$(BIN)/python manage.py demo

test: test-sqlite test-postgres ## Run every test on SQLite, and those of the database on PostgreSQL

# Workers have to find the same tests: no set may give its members in another order.
test-sqlite test-postgres: export PYTHONHASHSEED = 0

test-sqlite: setup
	@scripts/test-machine.sh
	@scripts/tests.sh

test-postgres: setup
	@scripts/test-machine.sh
	@$(BIN)/python -m tests.postgres scripts/tests.sh --only-database

check: setup ## Look at style, types, layers, settings, migrations and the lock
	@scripts/check.sh

format: setup ## Format the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure; docs/performance.md says what and how
	$(BIN)/python -m benchmarks

million: setup ## Look at plans at a million calls; the database stays in MILLION
	$(BIN)/python -m benchmarks.million $(MILLION) $(BIN)/python -m pytest -m million tests/benchmarks

screenshots: setup ## Take a picture of every page, light and dark, wide and narrow
	$(BIN)/python -m tests.screenshots

lock: setup ## Write requirements.lock and package-lock.json anew
	$(BIN)/uv pip compile --quiet --universal --all-extras --generate-hashes --no-emit-index-url \
		--custom-compile-command 'make lock' pyproject.toml -o requirements.lock
	PATH="$(CURDIR)/$(BIN):$$PATH" npm install --silent --package-lock-only

clean: ## Remove what can be made again; data/ stays
	rm -rf .venv node_modules static/vendor .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
