# Everything a person does with a checkout. Each goal sets up what it needs.
#
#   make demo          a running system with a synthetic patient; no root, no system package
#   make test          checks and tests, with real peers (30 minutes at most)
#   make test-slow     the long ones (40 minutes at most)
#   make wheel         an installable file that holds the built web part
#   make bench NAME=x  one benchmark: benchmarks/x.py
#   make clean         back to a fresh clone
#
# PYTHON=python3.12 chooses the interpreter (3.11 to 3.13).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
# Found before .venv/bin leads the path, so that it is never the one being made.
BASE_PYTHON := $(shell command -v $(PYTHON) || echo $(PYTHON))
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
# Node comes from PyPI into the same environment; npm's scripts find it here.
export PATH := $(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
# Many a hospital's network signs what comes from outside anew: trust what the system trusts.
SYSTEM_CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CERTIFICATES),)
export UV_SYSTEM_CERTS ?= true
export PIP_CERT ?= $(SYSTEM_CERTIFICATES)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTIFICATES)
endif

STAMPS := $(VENV)/.stamps
PYTHON_READY := $(STAMPS)/python
NODE_READY := web/node_modules/.stamp
WEB := src/overread/api/web/index.html
TEMPLATE := src/overread_phantom/data/head-template.npz
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) \
	web/index.html web/vite.config.ts web/tsconfig.json

.PHONY: help setup demo test test-slow check unit wheel bench peers lock clean

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

setup: $(PYTHON_READY) $(WEB) $(TEMPLATE)

demo: setup
	overread demo

check: setup
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	cd web && npm run check

unit: setup
	pytest

test: peers check unit

# Exit 5 ("no tests") is a failure here too: there are slow tests, so something hid them.
test-slow: peers setup
	pytest -m slow

wheel: setup
	rm -rf dist
	python -m build --wheel --no-isolation --outdir dist

bench: setup
	@test -n "$(NAME)" -a -f "benchmarks/$(NAME).py" || { \
		echo "make bench NAME=…, one of: $$(cd benchmarks && ls *.py | sed 's/\.py$$//' | tr '\n' ' ')"; \
		exit 2; }
	@python benchmarks/$(NAME).py

peers: | $(PYTHON_READY)
	@scripts/install_peers.sh

# What a wheel's user and a contributor get, to the byte.
lock: $(PYTHON_READY)
	echo uv | uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 - \
		-o build/uv.lock.txt
	{ head -1 scripts/uv.lock.txt; cat build/uv.lock.txt; } > build/uv.new
	mv build/uv.new scripts/uv.lock.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		pyproject.toml --group dev -o requirements-dev.txt
	cd web && npm install --package-lock-only

clean:
	rm -rf $(VENV) web/node_modules src/overread/api/web src/overread_phantom/data dist build
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/uv: scripts/uv.lock.txt
	@$(BASE_PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "$(PYTHON) is not Python 3.11 to 3.13: choose one with PYTHON=…"; exit 1; }
	@$(BASE_PYTHON) -c 'import ensurepip, venv' || { \
		echo "$(PYTHON) can't make virtual environments (Debian: apt install python3-venv)."; \
		exit 1; }
	$(BASE_PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r scripts/uv.lock.txt
	@touch $@

$(PYTHON_READY): $(BIN)/uv requirements-dev.txt pyproject.toml
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) build
	@touch $@

$(NODE_READY): web/package.json web/package-lock.json web/.npmrc | $(PYTHON_READY)
	cd web && npm ci --no-audit --no-fund
	@touch $@

$(WEB): $(NODE_READY) $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

$(TEMPLATE): scripts/make_head_template.py scripts/head-template.lock | $(PYTHON_READY)
	python scripts/make_head_template.py
	@touch $@
