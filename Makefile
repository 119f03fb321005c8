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

.PHONY: help demo test soak bench bench-ansible fidelity second-opinion check check-format check-lint check-types check-imports format \
    reference docs dist release container lock clean

help:
	@echo "make demo    set up, and see it work: no account, no network"
	@echo "make test    the test suite              make soak    its long random runs, in sittings"
	@echo "make bench   the benchmarks; they write docs/performance.md, and fail where one lost 20 %"
	@echo "make bench-ansible  apply beside Ansible's modules too (20 minutes)"
	@echo "make fidelity  probes of three emulators; they write docs/fidelity.md"
	@echo "make second-opinion  what is tested of DynamoDB, on ministack too"
	@echo "make check   format, lint, types, imports make format  put the format right"
	@echo "make reference    write the reference and the manual page from the program"
	@echo "make docs    the documentation as pages, in site/"
	@echo "make dist    wheel, sdist and list of materials, in dist/"
	@echo "make release dist, installed on every Python that starts here, and looked through for known holes"
	@echo "make container    the image of Containerfile, where docker or podman runs"
	@echo "make lock    renew the lock files (UPGRADE=1: with newer versions)"
	@echo "make clean   remove what make made"

demo: $(PACKAGE)
	@mkdir -p build
	@$(BIN)/twinwall demo --report build/demo.html

test: $(DEV)
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

soak: $(DEV)
	@$(BIN)/python scripts/soak.py $(if $(PART),--part $(PART)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),--only $(ONLY)) $(if $(LIST),--list)

bench: $(BENCH)
	@$(BIN)/python benchmarks/everything.py $(if $(ONLY),--only $(ONLY))

bench-ansible: $(BENCH) .venv-ansible/.installed
	@$(BIN)/python benchmarks/applying.py --ansible .venv-ansible/bin/python

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
	@$(BIN)/python -m twinwall.cli.reference docs
	@$(BIN)/python -m twinwall.cli.manual docs/twinwall.1

docs: $(DEV) .venv-docs/.installed
	@said=$$(NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build 2>&1) || { echo "$$said" >&2; exit 1; }

dist: $(DEV) .venv-release/.installed
	@$(BIN)/python scripts/release.py build

release: $(DEV) .venv-release/.installed
	@$(BIN)/python scripts/release.py build install audit

container: dist
	@engine=; for one in podman docker; do if $$one info >/dev/null 2>&1; then engine=$$one; break; fi; done; \
	if [ -z "$$engine" ]; then echo "no image built: neither podman nor docker runs here"; exit 0; fi; \
	$$engine build -q -t twinwall -f Containerfile . && $$engine run --rm --network none twinwall --version

lock:
	@PYTHON="$(PYTHON)" scripts/lock

clean:
	@rm -rf .venv .venv-* site .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

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
