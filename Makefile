# Everything starts here: `make run`, `make test`; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough and really starts (a version manager's shim may be there and refuse).
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
SETUP = $(if $(PYTHON),$(PYTHON) -m scripts.bootstrap,$(error Centralita needs Python 3.11 or newer, and found none on PATH))
BIN := .venv/bin

.PHONY: run
run: ## start everything on this machine and say where to go (Ctrl-C ends it)
	@$(SETUP) run

.PHONY: test
test: ## every test, with real PostgreSQL, Redis, Chromium and Rasa
	@$(SETUP) development parts bot console
	@# Some machines let Python keep nothing that it compiles: a second of each of the hundred processes of a run.
	env --unset=PYTHONDONTWRITEBYTECODE $(BIN)/pytest --numprocesses=auto --max-worker-restart=0 $(ARGS)

.PHONY: check
check: ## format, lint, types, imports, the console's checks and the compose file (60 s)
	@$(SETUP) development node
	@# The longest first, so that no core is left with it at the end.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-console-lint check-types check-console-test \
		check-console-typecheck check-compose check-python check-imports

.PHONY: check-python check-types check-imports check-compose
check-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
check-types:
	$(BIN)/mypy
check-imports:
	$(BIN)/lint-imports --no-logo
check-compose:
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
check-console-%:
	@$(SETUP) npm -- run $*

.PHONY: bench
bench: ## measure against the yardsticks: make bench KEYS="start memory_idle" (all without KEYS)
	@$(SETUP) development parts bot console
	$(BIN)/python -m benchmarks $(KEYS)

.PHONY: faults
faults: ## kill, cut and delay by schedules, and compare the ends: make faults N=100 SEED=7 (all without N)
	@$(SETUP) development parts
	$(BIN)/python -m tests.faults $(if $(N),--count $(N)) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: format
format: ## format the Python and console sources
	@$(SETUP) development node
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	@$(SETUP) npm -- run format --if-present

.PHONY: lock
lock: ## resolve the dependencies anew into requirements/*.txt
	@$(SETUP) tools
	$(BIN)/uv $(COMPILE) --universal pyproject.toml --all-extras --python-version 3.11 --output-file requirements/dev.txt
	$(BIN)/uv $(COMPILE) --universal pyproject.toml --extra knowledge --python-version 3.11 \
		--constraint requirements/dev.txt --output-file requirements/hub.txt
	$(BIN)/uv $(COMPILE) --universal requirements/tools.in --python-version 3.11 --output-file requirements/tools.txt
	$(BIN)/uv $(COMPILE) requirements/rasa.in --python-version 3.10 --output-file requirements/rasa.txt
COMPILE = pip compile --quiet --upgrade --no-annotate --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

.PHONY: clean
clean: ## remove what was made here: environments, builds, and the demo's data
	rm -rf .venv .venv-rasa .venv-python .run console/dist console/node_modules \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bot/project/models bot/project/.rasa

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
