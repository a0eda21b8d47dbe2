"""1,000,000 rows of five sampled columns through a whole run to Parquet: CPU seconds, wall seconds, peak memory.

python benchmarks/samplers.py [ROWS ...]
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from lookalike import api

COLUMNS = {
    "category": {"kind": "category", "values": {"a": 0.5, "b": 0.3, "c": 0.2}},
    "normal": {"kind": "normal", "mean": 0, "sd": 1},
    "poisson": {"kind": "poisson", "mean": 3},
    "uniform": {"kind": "uniform", "low": 0, "high": 1},
    "datetime": {"kind": "datetime", "start": "2024-01-01", "end": "2025-01-01"},
}


def main() -> None:
    print("| rows | CPU s | wall s | peak MiB |\n|---|---|---|---|")
    for rows in [int(text) for text in sys.argv[1:]] or [10, 1_000_000, 4_000_000]:
        plan = api.plan({"name": "million", "seed": 1, "tables": {"t": {"rows": rows, "columns": COLUMNS}}})
        with tempfile.TemporaryDirectory() as folder:
            cpu, wall = time.process_time(), time.perf_counter()
            api.make(plan, Path(folder) / "run")
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {rows:,} | {cpu:.2f} | {wall:.2f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
