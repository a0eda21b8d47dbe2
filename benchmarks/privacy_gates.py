"""How often the privacy gates of profile `internal` fail safe tables, and how often they catch leaks: by simulation.

    python benchmarks/privacy_gates.py [--runs 100] [--sizes 50,150,500,2000] [--leaks 0,0.01,0.05,promised] [adult diamonds numbers]

Training rows, holdout and release are disjoint draws of one population, n rows each: the release has seen nothing, so a gate that
fails it is wrong. A leaky release has a share of its rows replaced by training rows (at least one); "promised" is the smallest leak
that the report of the safe release says would have been seen. Every run draws anew. A cell is
the share of runs that failed; "-" was never measured at that size.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from lookalike.evaluate.evaluate import evaluate

GATED = ("identical_excess", "rare_combination_replay", "membership_auc", "membership_tpr_at_fpr", "singling_out", "linkability",
         "attribute_inference")  # fmt: skip


def population(name: str) -> pa.Table:
    """48,842 people, 53,940 stones, or 60,000 rows of twelve related numbers and a class (shaped like wine's)."""
    if name != "numbers":
        from lookalike.sources.package import Package

        return Package(name=name).read(Path())
    draw = np.random.default_rng(3)
    kind = draw.integers(0, 3, 60_000)
    mix, centre = draw.normal(size=(4, 12)), draw.normal(size=(3, 12))
    x = draw.normal(size=(60_000, 4)) @ mix + 1.5 * draw.normal(size=(60_000, 12)) + 2 * centre[kind]
    return pa.table({f"x{i}": np.round(x[:, i], 2) for i in range(12)} | {"kind": [f"k{k}" for k in kind]})


def judged(table: pa.Table, size: int, leak: float | None, run: int) -> tuple[dict[str, bool | None], str]:
    """Which gates failed one release (None: not measured), and the verdict."""
    draw = np.random.default_rng([run, size])
    rows = draw.choice(table.num_rows, 3 * size, replace=False)
    train, holdout, release = (table.take(pa.array(part)) for part in np.split(rows, 3))
    if leak is None:
        leak = evaluate(train, release, holdout=holdout, only="identical_excess")["identical_excess"].detail["smallest_seen"]
    if leak:
        copied = max(1, round(leak * size))
        release = pa.concat_tables([train.take(pa.array(draw.choice(size, copied, replace=False))), release.slice(copied)])
    report = evaluate(train, release, holdout=holdout, only=list(GATED), seed=run)
    failed = {o.metric: o.status == "fail" for o in report.outcomes if o.metric in GATED and o.got is not None}
    return {metric: failed.get(metric) for metric in GATED}, report.verdicts["privacy"]


def main() -> None:
    """Print one line for each table, size and leak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=["adult", "diamonds", "numbers"])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--sizes", default="50,150,500,2000")
    parser.add_argument("--leaks", default="0,0.01,0.05")
    given = parser.parse_args()
    print(f"| table | rows | leak | runs | {' | '.join(GATED)} | verdict fails | CPU s a run |\n|{'---|' * (len(GATED) + 6)}")
    for name in given.tables or parser.get_default("tables"):
        table = population(name)
        for size in map(int, given.sizes.split(",")):
            for word in given.leaks.split(","):
                leak = None if word == "promised" else float(word)
                before = time.process_time()
                found = [judged(table, size, leak, run) for run in range(given.runs)]
                cost = (time.process_time() - before) / given.runs
                cells = []
                for metric in GATED:
                    known = [f[metric] for f, _ in found if f[metric] is not None]
                    cells.append(f"{np.mean(known):.0%}" if known else "-")
                fails = np.mean([verdict == "fail" for _, verdict in found])
                print(
                    f"| {name} | {size} | {word if leak is None else f'{leak:.0%}'} | {given.runs} | {' | '.join(cells)} | {fails:.0%} | {cost:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
