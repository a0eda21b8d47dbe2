# `make demo` and `make test` work on a fresh machine: Python 3.11+, pip, make. Everything lives in .venv.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: setup demo test check fast mutants lint types docs lock bench fuzz clean

setup: .venv/ready

.venv/ready: requirements/lock.txt pyproject.toml scripts/setup.sh
	bash scripts/setup.sh $(PYTHON)
	@touch .venv/ready

demo: setup
	$(BIN)/lookalike demo

test: setup
	bash scripts/test.sh

check: test

fast: setup
	$(BIN)/python -m pytest -n 2 -m "not slow and not model and not browser and not deep and not peer" -q

mutants: setup
	$(BIN)/python scripts/mutants.py $(ROOM)

lint: setup
	$(BIN)/ruff format --check src tests benchmarks scripts examples
	$(BIN)/ruff check src tests benchmarks scripts examples
	$(BIN)/lint-imports
	$(BIN)/python scripts/measures.py

types: setup
	$(BIN)/mypy

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock:
	$(BIN)/uv pip compile pyproject.toml requirements/dev.in --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra local --extra excel --extra sql --extra text \
	  --extra hub --extra sign -o requirements/lock.txt

# before a release: broken inputs at every door, `make fuzz SECONDS=60 SEED=1`
fuzz: setup
	$(BIN)/python scripts/fuzz.py --seconds $(or $(SECONDS),600) --seed $(or $(SEED),0)

bench: setup
	$(BIN)/python benchmarks/run_all.py

clean:
	rm -rf .venv site build dist .mypy_cache .ruff_cache .pytest_cache
