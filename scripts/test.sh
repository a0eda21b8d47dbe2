#!/usr/bin/env bash
# The one test command: format, lint, import layers, measures, types, tests, documentation.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

step() { printf '\n== %s\n' "$1"; }

step "format and lint"
$bin/ruff format --check --quiet src tests benchmarks scripts examples
$bin/ruff check --quiet src tests benchmarks scripts examples
step "import layers"
$bin/lint-imports
step "measures of the house"
$bin/python scripts/measures.py
step "types"
$bin/mypy
if command -v node >/dev/null 2>&1 && $bin/pyright --version >/dev/null 2>&1; then
  $bin/pyright --level error
else
  echo "pyright needs node and its npm package; skipped here"
fi
step "a small model and real tables for the tests"
$bin/python scripts/fetch.py
step "documentation"
NO_MKDOCS_2_WARNING=1 $bin/mkdocs build --strict --quiet
step "tests"
$bin/python -m pytest -n 2 --dist worksteal -q -rs "$@"
