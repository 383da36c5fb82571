# Everything that is done with a checkout. Nothing but make and Python 3.11 or newer (with venv) need be there.
#   make test ARGS="-k bounce"     passes ARGS to the program that the target runs
#   make run PYTHON=python3.12     begins with another Python than python3

PYTHON ?= python3
BIN := .venv/bin
READY := @$(PYTHON) .ci/bootstrap.py
COMPILE := $(BIN)/python -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help run test check bench crash fix letters translations lock wheel clean

help: ## show this list
	@sed -n 's/^\([a-z]*\): ## /\1	/p' Makefile | while IFS='	' read -r target does; do \
		printf '  make %-13s %s\n' "$$target" "$$does"; done

# exec, so that a signal meets the program itself and not a shell that stands before it.
run: ## start everything on this machine: web, sender, and a mailbox that catches the mail
	$(READY)
	@exec $(BIN)/coalition run $(ARGS)

test: ## run the tests: all that this machine can
	$(READY) --dev
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: ## look at format, lint, types and imports, then run the tests
	$(READY) --dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

bench: ## measure how fast letters go, beside what else could send them; takes some minutes
	$(READY) --dev
	@$(BIN)/python -m tests.bench $(ARGS)

crash: ## kill senders again and again while they send, and count what is lost; takes some minutes
	$(READY) --dev
	@$(BIN)/python -m tests.bench.crash $(ARGS)

fix: ## format the code and repair what the linter can
	$(READY) --dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

letters: ## accept the letters as they are now as the golden ones; read the diff before you commit
	$(READY) --dev
	@TEST_ACCEPT=1 $(BIN)/pytest tests/mail $(ARGS)

translations: ## bring the catalogues up to the texts in the code; then fill in what is new
	$(READY) --dev
	@$(BIN)/python .ci/translations.py

# requirements.lock is what SQLite needs; -postgres adds the driver, -dev what tests and checks need besides.
# uv reads pyproject.toml for all platforms at once, which pip cannot; it is installed here and nowhere else.
# It keeps the versions that are locked already: make lock ARGS=--upgrade takes the newest.
lock: ## write both lock files anew from pyproject.toml (needs the network)
	$(READY) --dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) $(ARGS) --output-file requirements.lock
	$(COMPILE) $(ARGS) --extra postgres --constraints requirements.lock --output-file requirements-postgres.lock
	$(COMPILE) $(ARGS) --extra postgres --group dev --constraints requirements.lock \
		--output-file requirements-dev.lock

wheel: ## build a wheel into dist/, without network
	$(READY) --dev
	$(BIN)/hatchling build --target wheel

clean: ## remove .venv, builds and caches; instance/, where the data is, stays
	rm -rf .venv dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find coalition tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
