# make test   run the suite, doctests included
# make demo   two labs, one latent space: pictures and a table in demo/
# make docs   user guide, API reference and gallery in docs/_build/html
# make bench  the speed benchmarks: ratios, each from one run
# make lint   ruff, and numpydoc on every public docstring
#
# Each creates .venv where there is none and installs what it needs into it, once: the stamps live in
# .venv itself, so that removing that folder starts over.

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell grep '^torch==' constraints.txt)
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt
# One thread for each test worker: several threads in each of several workers only get in each other's way.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help test demo docs bench lint

help:
	@sed -n 's/^# make/make/p' Makefile

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: constraints.txt | $(BIN)/python
	@echo "Installing $(TORCH) into $(VENV), which takes a minute or more the first time"
	@$(PIP) '$(TORCH)'
	@touch $@

$(VENV)/.plot $(VENV)/.test $(VENV)/.docs $(VENV)/.bench: $(VENV)/.%: $(VENV)/.torch pyproject.toml
	@echo "Installing sklatent[$*] and what it needs"
	@$(PIP) --editable '.[$*]'
	@touch $@

test: $(VENV)/.test
	$(ONE_THREAD) MPLBACKEND=Agg $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

demo: $(VENV)/.plot
	$(ONE_THREAD) MPLBACKEND=Agg $(BIN)/python demo/two_labs.py

docs: $(VENV)/.docs
	MPLBACKEND=Agg $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.docstrings
