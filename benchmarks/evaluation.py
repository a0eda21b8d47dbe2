"""CPU seconds and memory of evaluation, ours beside the peers', each in a process of its own.

    python benchmarks/evaluation.py [fidelity command sdmetrics full neighbours near rensa million dimension]
    python benchmarks/evaluation.py gates [table ...]

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
TARGETS = {"fidelity": 1.5, "command": 1.5, "full": 60.0, "neighbours": 6.0, "million": 20.0}

TEXTS = """
import random
draw = random.Random(0)
vocabulary = ["".join(draw.choice("bcdfghjklmnprstvwz") + draw.choice("aeiou") for _ in range(draw.choice([1, 2, 2, 3]))) for _ in range(6_000)]
weights = [1 / (i + 5) for i in range(6_000)]
texts = [" ".join(draw.choices(vocabulary, weights, k=draw.randint(28, 50))) for _ in range(17_600)]
pairs = []
for i, source in enumerate(draw.sample(range(17_600), 2_400)):  # 400 exact, 2,000 with one to three words changed
    words = texts[source].split()
    for place in draw.sample(range(len(words)), draw.randint(1, 3) if i >= 400 else 0):
        words[place] = draw.choice(vocabulary)
    texts.append(" ".join(words))
    pairs.append((source, len(texts) - 1))
"""

CASES = {
    "fidelity": """
from lookalike.evaluate.evaluate import evaluate
report = evaluate(table("real"), table("synthetic"), only="statistics")
print(f"{len(report.results)} results, {sum(r.value is not None for r in report)} measured")
""",
    "command": """
import subprocess, sys
from pathlib import Path
import pyarrow.parquet as pq
for name in ("real", "synthetic"):
    pq.write_table(table(name), f"{folder}/{name}.parquet")
before = resource.getrusage(resource.RUSAGE_CHILDREN)
done = subprocess.run([str(Path(sys.executable).with_name("lookalike")), "evaluate", f"{folder}/real.parquet", f"{folder}/synthetic.parquet", "--only", "statistics"],
                      capture_output=True, text=True)
after = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"`lookalike evaluate --only statistics` alone: {after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.2f} CPU s, exit {done.returncode}")
""",
    "dimension": """
import subprocess, sys
from pathlib import Path
import pyarrow.parquet as pq
for name in ("real", "synthetic"):
    pq.write_table(table(name), f"{folder}/{name}.parquet")
before = resource.getrusage(resource.RUSAGE_CHILDREN)
done = subprocess.run([str(Path(sys.executable).with_name("lookalike")), "evaluate", f"{folder}/real.parquet", f"{folder}/synthetic.parquet", "--only", "fidelity"],
                      capture_output=True, text=True)
after = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"`lookalike evaluate --only fidelity`, with the discriminator and coverage, alone: {after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.2f} CPU s, exit {done.returncode}")
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
    "near": TEXTS
    + """
import time
from lookalike.steps.minhash import near_duplicates
near_duplicates(texts[:50])
before = time.process_time(); groups = near_duplicates(texts, threshold=0.6); taken = time.process_time() - before
found = sum(groups.first[b] == groups.first[a] for a, b in pairs)
print(f"{taken:.2f} CPU s, {found:,} of {len(pairs):,} found, {int(groups.repeats[:17_600].sum())} others")
""",
    "rensa": TEXTS
    + """
import time
from rensa import RMinHash, RMinHashLSH
before = time.process_time(); index = RMinHashLSH(threshold=0.6, num_perm=128, num_bands=32); marks = []; hits = set()
for i, text in enumerate(texts):
    mark = RMinHash(num_perm=128, seed=42); mark.update(text.split()); marks.append(mark); index.insert(i, mark)
for i, mark in enumerate(marks):
    hits.update((j, i) for j in index.query(mark) if j < i and mark.jaccard(marks[j]) >= 0.6)
taken = time.process_time() - before
print(f"{taken:.2f} CPU s, {sum(p in hits for p in pairs):,} of {len(pairs):,} found")
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
import resource
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


GATED = {"wine": "target", "penguins": "species", "diabetes": "target", "breast_cancer": "target", "credit": "Status",
         "fatty_liver": "status", "adult": "income", "wages": "gender", "diamonds": "price", "flights": "origin"}  # fmt: skip


def gated_table(name: str):
    """A real table: three small ones of scikit-learn, the others of the packaged source."""
    if name not in ("wine", "diabetes", "breast_cancer"):
        from lookalike.sources.package import Package

        return Package(name=name).read(Path())
    import pyarrow as pa
    from sklearn import datasets

    return pa.Table.from_pandas(getattr(datasets, f"load_{name}")(as_frame=True).frame, preserve_index=False)


def gates(only: list[str]) -> None:
    """Profile `internal` on five releases whose truth is known, table by table; about two CPU minutes for all ten."""
    import numpy as np
    import pyarrow as pa

    import lookalike as la

    for name in only or GATED:
        table = gated_table(name)
        order = np.random.default_rng(7).permutation(table.num_rows)[:18_000]
        size = order.size // 3
        train, other, holdout = (table.take(pa.array(order[i * size : (i + 1) * size])) for i in range(3))
        draw, copied = np.random.default_rng(1), max(1, round(0.01 * size))
        releases = {
            "other rows": other, "copy": train,
            "independent": pa.table({n: train[n].take(pa.array(draw.permutation(size))) for n in train.column_names}),
            "1% copied": pa.concat_tables([train.take(pa.array(draw.choice(size, copied, replace=False))), other.slice(copied)]),
            "forest": la.Forest().fit(train).sample(size, seed=1),
        }  # fmt: skip
        for release, rows in releases.items():
            report = la.evaluate(train, rows, holdout=holdout, target=GATED[name])
            bad = [o.metric for o in report.outcomes if o.status == "fail" and o.severity == "block"]
            said = ", ".join(f"{d}: {v}" for d, v in report.verdicts.items())
            print(
                f"{name:12} {size:5} {release:12} {said}; C2ST {report['c2st'].value:.2f}, alarm {report['alarm'].value:.2%} {bad}"
            )


def main() -> None:
    """Run the named cases, or all but `gates`."""
    if "gates" in sys.argv[1:]:
        gates([name for name in sys.argv[1:] if name in GATED])
        return
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
