"""Compile the numeric kernels once, so that the first command of a user does not wait for it."""

import time

import numpy as np
import pyarrow as pa

from lookalike.registry import resolve
from lookalike.synthesizers.imputation.impute import impute

start = time.perf_counter()
rng = np.random.default_rng(0)
n = 2000
table = pa.table(
    {
        "x": rng.normal(size=n),
        "k": rng.integers(0, 50, n),
        "c": np.array(["a", "b", "c"])[rng.integers(0, 3, n)],
    }
)
resolve("synthesizer", "forest")().fit(table).sample(500)
impute(table.set_column(0, "x", pa.array(table["x"].to_numpy(), mask=rng.random(n) < 0.1)))
print(f"compiled in {time.perf_counter() - start:.1f} s")
