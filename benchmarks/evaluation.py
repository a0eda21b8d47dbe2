"""CPU seconds and memory of evaluation, ours beside the peers', each in a process of its own.

    python benchmarks/evaluation.py [fidelity sdmetrics full neighbours million]

Adult (48,842 rows of 15 columns) from the package that carries it: 32,561 rows are the real ones, 16,281 the synthetic; for the full
report they are cut in real, synthetic and holdout of 16,280. CPU seconds are user and system of the whole process, imports included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

REAL = 32_561
TARGETS = {"fidelity": 1.5, "full": 60.0, "neighbours": 6.0, "million": 20.0}

CASES = {
    "fidelity": """
from lookalike.evaluate.evaluate import evaluate
report = evaluate(table("real"), table("synthetic"), only="statistics")
print(f"{len(report.results)} results, {sum(r.value is not None for r in report)} measured")
""",
    "sdmetrics": """
import warnings; warnings.simplefilter("ignore")
from sdmetrics.reports.single_table import QualityReport
real, synthetic = table("real").to_pandas(), table("synthetic").to_pandas()
kinds = {n: {"sdtype": "numerical" if real[n].dtype.kind in "iuf" else "categorical"} for n in real}
report = QualityReport(); report.generate(real, synthetic, {"columns": kinds}, verbose=False)
print(f"score {report.get_score():.4f}")
""",
    "full": """
from lookalike.evaluate.evaluate import evaluate
report = evaluate(table("a"), table("b"), holdout=table("c"), target="income", protected=["sex", "race"])
print(f"{report.verdicts}; {len(report.to_json()) / 1e3:.0f} kB of JSON")
""",
    "neighbours": """
import numpy as np
from lookalike.evaluate.privacy.neighbors import nearest
from lookalike.evaluate.views import Views
views = Views(table("real"), table("real"))
points = np.ascontiguousarray(views.gower("real")[:, :26_025])
distance, _ = nearest(points, points, k=2)
print(f"26,025 x 26,025 in {points.shape[0]} mixed columns; mean distance to another row {distance[:, 1].mean():.3f}")
""",
    "million": """
import numpy as np, pyarrow as pa
from lookalike.evaluate.evaluate import evaluate
def rows(seed, n=1_000_000):
    draw = np.random.default_rng(seed); z = draw.normal(size=n)
    numbers = {f"x{i}": z / 2 + draw.normal(size=n) for i in range(10)}
    words = {f"c{i}": pa.DictionaryArray.from_arrays(pa.array(draw.integers(0, 20 + 10 * i, n, dtype=np.int32)),
             [f"v{j}" for j in range(20 + 10 * i)]).cast(pa.string()) for i in range(10)}
    return pa.table(numbers | words)
a, b = rows(0), rows(1)
import time; before = time.process_time()
report = evaluate(a, b, only="statistics")
print(f"{len(report.results)} results in {time.process_time() - before:.1f} CPU s without making the tables")
""",
}

PRELUDE = """
import pyarrow.ipc as ipc
def table(name):
    return ipc.open_file(f"{folder}/{name}.arrow").read_all()
"""


def write_tables(folder: Path) -> None:
    """Adult, cut in the ways the cases need."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import ipc

    from lookalike.sources.package import Package

    adult = Package(name="adult").read(Path())
    order = np.random.default_rng(0).permutation(adult.num_rows)
    third = adult.num_rows // 3
    cuts = {
        "real": adult.slice(0, REAL), "synthetic": adult.slice(REAL),
        **{name: adult.take(pa.array(order[i * third : (i + 1) * third])) for i, name in enumerate("abc")},
    }  # fmt: skip
    for name, rows in cuts.items():
        with ipc.new_file(folder / f"{name}.arrow", rows.schema) as writer:
            writer.write_table(rows.combine_chunks())


def main() -> None:
    """Run the named cases, or all."""
    with tempfile.TemporaryDirectory() as name:
        write_tables(Path(name))
        print(f"{'case':12} {'CPU s':>7} {'target':>7} {'MB':>6}  result")
        for case in sys.argv[1:] or CASES:
            code = f"folder = {name!r}\n{PRELUDE}{CASES[case]}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            lines = done.stdout.strip().splitlines() if not done.returncode else [done.stderr.strip()[-200:], "0"]
            print(f"{case:12} {seconds:7.2f} {TARGETS.get(case, ''):>7} {int(lines[-1]) / 1024:6.0f}  {' '.join(lines[:-1])}")


if __name__ == "__main__":
    main()
