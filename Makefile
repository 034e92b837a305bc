# Organon from a bare machine: `make demo`, `make test`. Everything lives in .venv of this checkout.
#
# Python 3.11 is tried before 3.12 because constraints.txt was tested on it; 3.13 has no Vina wheel.
# pip's own environment variables reach pip, so a mirror or PyTorch's CPU build is chosen from outside (see README).

VENV    := .venv
BIN     := $(VENV)/bin
RUNTIME := $(VENV)/.installed
DEV     := $(VENV)/.installed-dev
PIP     := $(BIN)/python -m pip install --disable-pip-version-check --no-input -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help venv install demo test slow lint types check clean
.DELETE_ON_ERROR:

help:
	@echo "make demo     install into $(VENV) and run the main job on a real protein target"
	@echo "make test     install with the test tools and run the tests"
	@echo "make slow     the tests that take minutes or a browser (Debian: apt install chromium)"
	@echo "make check    formatting, lint, types, tests: what CI and pre-commit run"
	@echo "make install  only install (then: $(BIN)/organon --help)"
	@echo "make venv     only create $(VENV)"
	@echo "make clean    remove $(VENV), caches and build output"
	@echo "PYTHON=/path/to/python3.11 (or 3.12) chooses the interpreter"

demo: install
	$(BIN)/organon demo

install: $(RUNTIME)

test: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

slow: $(DEV)
	$(BIN)/python -m pytest -m slow

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy agent tools models prompts app.py

check: lint types test

$(RUNTIME): pyproject.toml constraints.txt | venv
	@echo "Installing Organon into $(VENV): about 200 packages, 3 GB, a few minutes ..."
	$(PIP) -e .
	@touch $@

$(DEV): pyproject.toml constraints.txt | venv
	@echo "Installing Organon and its test tools into $(VENV): about 200 packages, 3 GB, a few minutes ..."
	$(PIP) -e '.[dev]'
	@touch $(RUNTIME) $@

# A candidate must really run (a pyenv shim may exist and fail) and have what `venv` and pip need (Debian splits it off).
PROBE := import ctypes, ensurepip, sqlite3, ssl, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))

venv:
	@if $(BIN)/python -c '$(PROBE)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
	try() { "$$1" -c '$(PROBE)' >/dev/null 2>&1; }; \
	found=; \
	if [ -n "$(PYTHON)" ]; then if try "$(PYTHON)"; then found="$(PYTHON)"; fi; \
	else \
	  for name in python3.11 python3.12 python3; do \
	    old=$$IFS; IFS=:; \
	    for dir in $$PATH; do \
	      if [ -z "$$found" ] && [ -x "$$dir/$$name" ] && try "$$dir/$$name"; then found="$$dir/$$name"; fi; \
	    done; \
	    IFS=$$old; \
	  done; \
	fi; \
	if [ -z "$$found" ]; then \
	  echo "Organon needs Python 3.11 or 3.12 with its venv module$(if $(PYTHON), and PYTHON=$(PYTHON) is not one,):" \
	    "on Debian 12 or Ubuntu 24.04 run 'sudo apt install python3 python3-venv', on macOS 'brew install python@3.12'," \
	    "or give PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	echo "Creating $(VENV) with $$found"; \
	"$$found" -m venv --clear $(VENV)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
