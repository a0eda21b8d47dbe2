"""Ten million rows through the forest without holding them: sample to Parquet, fit from Parquet, with peak memory.

    python benchmarks/streaming.py --wheels DIR --rows 10000000 --folder /tmp/streaming

The table is made by a forest fitted on Adult (see tabular.py). Each half runs in a process of its own, so that peaks are its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path


def make(wheels: Path, rows: int, path: Path) -> None:
    import pyarrow.parquet as pq
    import tabular

    from lookalike.synthesizers.forest.model import Forest

    model = Forest().fit(tabular.adult(wheels))
    began = time.process_time()
    writer = None
    for batch in model.sample_batches(rows, rows=262_144):
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    if writer:
        writer.close()
    report("sample to Parquet", rows, time.process_time() - began)


def learn(rows: int, path: Path) -> None:
    import pyarrow.parquet as pq

    from lookalike.synthesizers.forest.model import Forest

    began = time.process_time()
    model = Forest().fit_batches(pq.ParquetFile(path).iter_batches(batch_size=131_072))
    report("fit from Parquet", rows, time.process_time() - began)
    saved = model.save(path.with_suffix(".model"))
    print(json.dumps({"saved_mb": round(sum(file.stat().st_size for file in saved.iterdir()) / 1e6, 2)}), flush=True)


def report(what: str, rows: int, cpu_s: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"what": what, "rows": rows, "cpu_s": round(cpu_s, 1), "peak_gib": round(peak, 2)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, default=Path("wheels"))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path("streaming"))
    parser.add_argument("--half", choices=["make", "learn"])
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    path = asked.folder / f"{asked.rows}.parquet"
    if asked.half == "make":
        make(asked.wheels, asked.rows, path)
    elif asked.half == "learn":
        learn(asked.rows, path)
    else:
        for half in ("make", "learn"):
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--half", half], check=True)  # our own script


if __name__ == "__main__":
    main()
