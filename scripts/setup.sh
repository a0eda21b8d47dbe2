#!/usr/bin/env bash
# Build .venv from the committed lock of versions and hashes. Usage: setup.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
python="${1:-python3}"

"$python" - <<'PY'
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
PY

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "setup: packages from requirements/lock.txt"
.venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/lock.txt
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

# torch: only a CPU build that this machine has at hand; the registry's default build brings gigabytes of CUDA.
if ! .venv/bin/python -c "import torch" 2>/dev/null; then
  if .venv/bin/python -m pip install --quiet --no-index --no-deps "torch==2.13.0" 2>/dev/null; then
    echo "setup: torch (CPU) from this machine's own files"
  else
    echo "setup: no local CPU build of torch; deep synthesizers are skipped in tests (pip install 'lookalike[deep]' brings it)"
  fi
fi
if .venv/bin/python -c "import torch" 2>/dev/null && ! .venv/bin/python -c "import opacus" 2>/dev/null; then
  .venv/bin/python -m pip install --quiet --no-deps "opacus==1.6.0" "opt-einsum==3.4.0" || echo "setup: opacus is not to be had; DP-SGD is skipped"
fi

if ! command -v chromium >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "setup: chromium for the browser tests"
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver) >/dev/null 2>&1 \
      || echo "setup: chromium cannot be installed; browser tests are skipped"
  else
    echo "setup: no chromium and no right to install it; browser tests are skipped"
  fi
fi

echo "setup: compiling numeric kernels once"
.venv/bin/python scripts/warm.py
