"""Our private marginals beside the authors' AIM on Adult with a public domain: what epsilon 1 buys, and what it costs.

    python benchmarks/private_marginals.py                                   # ours
    python benchmarks/private_marginals.py --peer /path/to/venv/bin/python   # AIM too: `uv pip install dpmm "pyarrow<20"` there

Every column is coded: numbers in 16 quantile bins, all levels declared, so that nothing of the budget goes into the domain.
80% of the rows are learned, as many are made; epsilon 1, delta 1e-6. The peer is `dpmm` 0.1.9, which carries the mechanism of the authors'
repository (`mechanisms/aim.py` of private-pgm) and their older, numpy solver; its model size and iterations are cut from 80 MB and 1,000
to what ends within minutes.

    pairs, triples   mean total variation distance to the learned rows over all 105 pairs, and over 60 triples
    auc              trained on the made rows (gradient boosting), tested on held-out real rows
    cpu              seconds of fit and sample, one thread
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402  # after the thread count is set
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

TARGET = "income"
Codes = dict[str, np.ndarray]
PEER = """
import json, sys, time
import numpy as np, pandas as pd
from dpmm.models.aim import AIMGM
folder, degree, megabytes, turns = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
train, sizes = pd.read_parquet(folder + "/train.parquet"), json.load(open(folder + "/sizes.json"))
start = time.process_time()
model = AIMGM(epsilon=1.0, delta=1e-6, degree=degree, max_model_size=megabytes, n_iters=turns, compress=False, domain=sizes, n_jobs=1,
              random_state=np.random.RandomState(0))
model.fit(train)
model.generate(len(train)).to_parquet(folder + "/made.parquet")
print(time.process_time() - start)
"""


def coded() -> tuple[Codes, Codes, dict[str, int]]:
    """Learned rows, held-out rows, and the number of codes of each column."""
    from lookalike.sources.package import Package

    table = Package(name="adult").read(Path()).drop_null()
    table = table.take(np.random.default_rng(0).permutation(table.num_rows))
    codes: Codes = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type):
            codes[name] = np.asarray(column.dictionary_encode().indices).astype(np.int64)
        else:
            values = column.to_numpy()
            codes[name] = np.searchsorted(np.unique(np.quantile(values, np.linspace(0, 1, 17)[1:-1])), values, side="left")
    cut = table.num_rows * 4 // 5
    sizes = {name: int(values.max()) + 1 for name, values in codes.items()}
    return {n: v[:cut] for n, v in codes.items()}, {n: v[cut:] for n, v in codes.items()}, sizes


def apart(a: Codes, b: Codes, names: tuple[str, ...], sizes: dict[str, int]) -> float:
    """Total variation distance of the columns' joint shares."""
    shape = [sizes[name] for name in names]
    shares = [
        np.bincount(np.ravel_multi_index([rows[name] for name in names], shape), minlength=int(np.prod(shape)))
        / len(rows[names[0]])
        for rows in (a, b)
    ]
    return 0.5 * float(np.abs(shares[0] - shares[1]).sum())


def auc(made: Codes, held: Codes) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    x, ask = (np.stack([rows[name] for name in rows if name != TARGET], 1) for rows in (made, held))
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(x, made[TARGET])
    return float(roc_auc_score(held[TARGET], model.predict_proba(ask)[:, 1]))


def shown(what: str, made: Codes, train: Codes, held: Codes, sizes: dict[str, int], cpu: str) -> None:
    triples = list(combinations(train, 3))
    some = [triples[i] for i in np.random.default_rng(0).choice(len(triples), 60, replace=False)]
    pairs = np.mean([apart(train, made, pair, sizes) for pair in combinations(train, 2)])
    threes = np.mean([apart(train, made, triple, sizes) for triple in some])
    print(f"| {what} | {pairs:.4f} | {threes:.4f} | {auc(made, held):.4f} | {cpu} |", flush=True)


def ours(kind: str, fields: dict[str, str], train: Codes, sizes: dict[str, int], seed: int) -> tuple[Codes, float]:
    from lookalike.registry import resolve
    from lookalike.schema.types import ColumnSchema, TableSchema

    schema = TableSchema(tuple(ColumnSchema(name, "category", "string") for name in train))
    levels = {name: tuple(map(str, range(size))) for name, size in sizes.items()}
    table = pa.table({name: values.astype(str) for name, values in train.items()})
    make = resolve("synthesizer", kind)
    make(levels=levels, **fields).fit(table.slice(0, 500), schema).sample(10)  # compiles
    start = time.process_time()
    made = (
        make(levels=levels, epsilon=1.0, delta=1e-6, **fields)
        .fit(table, schema, seed=seed)
        .sample_arrow(table.num_rows, seed=seed)
    )
    seconds = time.process_time() - start
    return {name: made[name].cast(pa.int64()).to_numpy() for name in made.column_names}, seconds


def theirs(python: str, train: Codes, sizes: dict[str, int], settings: list[str]) -> tuple[Codes, float]:
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table(train), f"{folder}/train.parquet")
        Path(folder, "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")
        done = subprocess.run(
            [python, "-W", "ignore", "-c", PEER, folder, *settings], check=True, capture_output=True, text=True
        )
        made = pq.read_table(f"{folder}/made.parquet")
        return {name: made[name].to_numpy() for name in train}, float(done.stdout.split()[-1])


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asks.add_argument("--peer", help="a Python that has dpmm")
    asks.add_argument("--seeds", type=int, default=2)
    args = asks.parse_args()
    train, held, sizes = coded()
    print("| | pairs | triples | auc | CPU s |\n|---|---|---|---|---|")
    shown("held-out real rows; learned rows for auc", held, train, held, sizes, "")
    shown("learned rows", train, train, held, sizes, "")
    for kind, fields in (("aim", {"target": TARGET}), ("aim", {}), ("mst", {})):
        for seed in range(args.seeds):
            made, seconds = ours(kind, fields, train, sizes, seed)
            shown(f"{kind} {fields or ''}", made, train, held, sizes, f"{seconds:.1f}")
    for settings in (["2", "1", "300"], ["3", "4", "300"]) if args.peer else ():
        made, seconds = theirs(args.peer, train, sizes, settings)
        shown(
            f"AIM of dpmm, degree {settings[0]}, {settings[1]} MB, {settings[2]} turns",
            made,
            train,
            held,
            sizes,
            f"{seconds:.0f}",
        )


if __name__ == "__main__":
    main()
