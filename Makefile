# One command per goal; `make help` lists them. Needs Python 3.11+ and make, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_DIR ?= .demo
# For the CPU build of torch on Linux: make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage check audit bench serve clean

help: ## list the goals
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("MusiScene needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: constraints.txt | $(BIN)/python
	@if [ -n "$(TORCH_INDEX)" ]; then $(BIN)/pip install --index-url $(TORCH_INDEX) "$$(grep '^torch==' constraints.txt)"; fi
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt $(VENV)/.torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[demo,dev]'
	@touch $@ $(VENV)/.demo

setup: $(VENV)/.dev ## install everything a developer needs, and the embedded models
	$(BIN)/musiscene models pull

demo: $(VENV)/.demo ## index a real library of 28 tracks and find music for three scenes
	$(BIN)/musiscene models pull
	$(BIN)/python tools/demo.py --data-dir $(DEMO_DIR)

test: setup check ## set everything up, then run all checks and tests
	$(BIN)/pytest -m "not gpu" -n auto --dist loadfile

coverage: setup ## the same tests, and which lines they reach
	$(BIN)/pytest -m "not gpu" -n auto --dist loadfile --cov --cov-report=term

check: $(VENV)/.dev ## lint, format, types, import contracts, docstrings, module sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pydoclint --quiet musiscene indexer service tools
	$(BIN)/python tools/check_module_size.py
	$(BIN)/bandit -q -ll -c pyproject.toml -r musiscene indexer service

audit: $(VENV)/.dev ## ask PyPI which of the pinned versions have known vulnerabilities
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r constraints.txt

bench: setup ## print this machine's figures beside their floors
	$(BIN)/python -m tools.bench_descriptors
	$(BIN)/python -m tools.bench_first_light
	$(BIN)/python -m tools.bench_model

serve: $(VENV)/.demo ## serve the demo library on 127.0.0.1:8000
	$(BIN)/musiscene --data-dir $(DEMO_DIR) serve

clean: ## remove the virtual environment and the demo library's data
	rm -rf $(VENV) $(DEMO_DIR)
