# Everything by one word. `make` alone lists the words.

SHELL := /bin/sh
PORT ?= 8000
ARGS ?=
# The newest Python on the machine that is fit; `make PYTHON=/path/to/python3 ...` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
RUN := .venv/bin/python

.PHONY: help install install-tests demo demo-reset migrate test check validation generated bench lock

help: ## list these words
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

install: ## install what Rung needs, into this folder only
	@test -n "$(PYTHON)" || { echo "Rung needs Python 3.11 or newer; install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m config.install

install-tests:
	@test -n "$(PYTHON)" || { echo "Rung needs Python 3.11 or newer; install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m config.install --tests

demo: install ## try Rung out on this machine (PORT=8000); Ctrl-C stops it
	@$(RUN) -m config.demo run --port $(PORT)

demo-reset: install ## forget the demo's data; the next `make demo` starts over
	@$(RUN) -m config.demo reset

migrate: ## bring the tables up to date, as the database's owner
	@RUNG_DATABASE_ROLE=owner $(RUN) manage.py migrate

test: install-tests ## run all tests; ARGS="tests/dosing -k boin" runs some
	@$(RUN) -m pytest -n auto --dist worksteal -p tests.validation.results --validation=var/validation $(ARGS)

check: install-tests ## style, types, direction of imports, missing migrations, known faults of packages, traced requirements
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy .
	.venv/bin/lint-imports --no-cache
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) -m tests.validation check
	$(RUN) -m tests.parts

validation: install-tests ## write docs/validation/traceability.md from the marks on the tests
	@$(RUN) -m tests.validation

generated: install-tests ## 2,000 generated requests per role, at every page and API operation (takes an hour)
	@RUNG_GENERATED=2000 $(RUN) -m pytest tests/authority/test_generated.py -q

bench: install-tests ## how fast the engine, the pages and the audit trail are, with little data and with much
	@$(RUN) -m tests.bench.engine
	@$(RUN) -m tests.bench
	@$(RUN) -m tests.bench.workbench
	@$(RUN) -m tests.bench.audit

lock: ## pin what requirements*.in and package.json ask for, with hashes
	@$(PYTHON) -m venv var/lock && var/lock/bin/python -m pip install --quiet --upgrade uv
	@set -e; constraint=; for name in requirements requirements-local requirements-dev requirements-node; do \
		var/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --no-emit-find-links $$constraint -o $$name.lock $$name.in; \
		constraint="--constraint $$name.lock"; \
	done
	@npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
