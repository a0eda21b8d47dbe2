"""A saved model holds nothing that fewer than five rows share, and does not hang on the process that made it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lookalike.registry import resolve

METHODS = ["forest", "copula", "independent", "cart", "bayes_net", "arf", "smote"]
RARE = {
    "job": "astronaut-of-canarytown", "grade": "canarygrade", "note": "canarywords", "tags": "canarytag", "flag": "canaryflag",
}  # fmt: skip


def table():
    g = np.random.default_rng(0)
    n = 600
    columns = {
        "job": g.choice(["baker", "smith", "miner"], n), "grade": g.choice(["low", "medium", "high"], n),
        "note": [" ".join(g.choice(["the", "cat", "runs", "over", "red", "hills"], 8)) for _ in range(n)],
        "tags": [["a", "b"][: i % 3] for i in range(n)], "flag": ["yes"] * n, "x": g.normal(size=n),
    }  # fmt: skip
    for name, value in RARE.items():
        column = list(columns[name])
        column[17] = [value] if name == "tags" else value
        columns[name] = column
    return pa.table(columns)


@pytest.mark.parametrize(
    "method", [m if m in ("forest", "copula") else pytest.param(m, marks=pytest.mark.slow) for m in METHODS]
)
def test_what_one_row_holds_is_not_in_the_model(method, tmp_path):
    """Words, levels, tags and grades of a single row are neither in the folder nor in the rows."""
    model = resolve("synthesizer", method)().fit(table())
    path = model.save(tmp_path / "m")
    held = b"".join(file.read_bytes() for file in path.iterdir())
    assert [name for name, value in RARE.items() if value.encode() in held] == []
    assert not any("canary" in str(row) for row in model.sample(2000, seed=1).to_pylist())


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_forgotten import METHODS, table
from lookalike.registry import resolve
import hashlib
for method in METHODS:
    out = resolve("synthesizer", method)().fit(table(), seed=3).sample(50, seed=4)
    print(method, hashlib.sha256(repr(out.to_pylist()).encode()).hexdigest())
"""


@pytest.mark.slow
def test_rows_do_not_hang_on_the_process():
    """Two processes with different hash seeds draw the same rows by every method."""

    def rows(hash_seed):
        program = PROGRAM.format(folder=str(Path(__file__).parent))
        made = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        return made.stdout.splitlines()

    assert rows("1") == rows("2")
