# Everything runs in .venv, which is set up from the hashed lock files and again when they change.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= python3
PYTEST_FLAGS ?= -q -n 2 --dist worksteal

# Another environment that happens to be active must not leak into ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_USER
export AWS_EC2_METADATA_DISABLED := true

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
CREATED := .venv/.created
RUNTIME := .venv/.runtime
PACKAGE := .venv/.package
DEV := .venv/.dev

BENCH := .venv/.bench
RIVALS := .venv-moto/.installed .venv-ministack/.installed

.PHONY: help demo test soak bench fidelity second-opinion check check-format check-lint check-types check-imports format reference lock clean

help:
	@echo "make demo    set up, and see it work: no account, no network"
	@echo "make test    the test suite              make soak    its long random runs, in sittings"
	@echo "make bench   the benchmarks; they write docs/performance.md"
	@echo "make fidelity  probes of three emulators; they write docs/fidelity.md"
	@echo "make second-opinion  what is tested of DynamoDB, on ministack too"
	@echo "make check   format, lint, types, imports make format  put the format right"
	@echo "make reference    write docs/commands.md and docs/twinwall.1 from the commands"
	@echo "make lock    renew the lock files (UPGRADE=1: with newer versions)"
	@echo "make clean   remove what make made"

demo: $(PACKAGE)
	@mkdir -p build
	@$(BIN)/twinwall demo --report build/demo.html

test: $(DEV)
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

soak: $(DEV)
	@$(BIN)/python scripts/soak.py $(if $(PART),--part $(PART)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(MINUTES),--minutes $(MINUTES)) $(if $(LIST),--list)

bench: $(BENCH)
	@$(BIN)/python benchmarks/packets.py
	@$(BIN)/python benchmarks/verifying.py
	@$(BIN)/python benchmarks/linting.py

fidelity: $(DEV) $(RIVALS)
	@$(BIN)/python -m probes --json docs/fidelity.json --table docs/fidelity.md

second-opinion: $(DEV) .venv-ministack/.installed
	@TWINWALL_MINISTACK=1 $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/contract -k ministack

check: check-format check-lint check-types check-imports

check-format: $(DEV)
	@$(BIN)/ruff format --quiet --check --output-format=concise . || { echo "The format is off: run 'make format'." >&2; exit 1; }

check-lint: $(DEV)
	@$(BIN)/ruff check --quiet .

check-types: $(DEV)
	@$(BIN)/mypy --no-error-summary

check-imports: $(DEV)
	@out=$$($(BIN)/lint-imports --no-logo --no-cache 2>&1) || { echo "$$out" >&2; exit 1; }

format: $(DEV)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

reference: $(DEV)
	@$(BIN)/python -m twinwall.cli.reference docs/commands.md
	@$(BIN)/python -m twinwall.cli.manual docs/twinwall.1

lock:
	@PYTHON="$(PYTHON)" scripts/lock

clean:
	@rm -rf .venv .venv-lock .venv-moto .venv-ministack .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Twinwall needs Python 3.11 or newer; " \
	    "%s is %d.%d. Name another: make PYTHON=..." % ((sys.executable,) + sys.version_info[:2]))'
	@echo "Setting up .venv (once) ..." >&2
	@$(PYTHON) -m venv --clear .venv
	@touch $@

$(RUNTIME): requirements/runtime.txt | $(CREATED)
	@$(PIP) --require-hashes -r $<
	@touch $@

$(PACKAGE): pyproject.toml $(RUNTIME)
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(DEV): requirements/dev.txt $(PACKAGE)
	@$(PIP) --require-hashes -r $<
	@touch $@

$(BENCH): requirements/bench.txt $(DEV)
	@$(PIP) --require-hashes -r $<
	@touch $@

.venv-%/.installed: requirements/%.txt
	@echo "Setting up .venv-$* (once) ..." >&2
	@$(PYTHON) -m venv --clear .venv-$*
	@.venv-$*/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@
