"""Our synthesizers side by side on Adult, judged against rows that none of them saw.

    pip install lightgbm
    python benchmarks/synthesizers.py --out table.md

Adult is the table that the source kind `package` fetches; rows with a gap are dropped. `--rows` of them are learned with the default
fields of every kind, as many are drawn, and both are set against as many held-out rows. Fit and sample run after one fit on 300 rows,
so that compilation is not counted. `mst` and `aim` keep epsilon 1 with noise that no seed repeats; `aim` is told the target.

    c2st     AUC of LightGBM (100 trees of 31 leaves, 3 folds) telling drawn rows from held-out rows; 0.5 is perfect
    tstr     AUC of the same LightGBM trained on drawn rows, telling `income` of held-out rows
    copies   percent of drawn rows that equal a learned row, beside that of held-out rows
    cpu      seconds of fit and of drawing, one thread
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402  # after the thread counts are set
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402

KINDS = (
    "forest", "smote", "arf", "cart", "bayes_net", "autoregressive", "tvae", "diffusion", "ctgan", "copula", "mst", "aim",
    "independent",
)  # fmt: skip
Frame = dict[str, np.ndarray]


def adult(rows: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Learned and held-out rows, as many of each."""
    from lookalike.sources.package import Package

    table = Package(name="adult").read(Path()).drop_null()
    order = np.random.default_rng(seed).permutation(table.num_rows)
    return table.take(order[:rows]), table.take(order[rows : 2 * rows])


def matrix(table: pa.Table, levels: dict[str, list[object]]) -> np.ndarray:
    """float [n, d]: numbers as they are, categories as codes of the real levels, -1 for others."""
    columns = []
    for name in table.column_names:
        column = table[name]
        if name in levels:
            columns.append(pc.index_in(column.cast(pa.string()), pa.array(levels[name], pa.string())).fill_null(-1).to_numpy())
        else:
            columns.append(column.cast(pa.float64()).to_numpy())
    return np.stack(columns, 1).astype(float)


def judge(x: np.ndarray, y: np.ndarray, categories: list[int]):
    """LightGBM, fitted; codes of -1 count as missing."""
    import lightgbm as lgb

    model = lgb.LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, n_jobs=1, random_state=0)
    return model.fit(x, y, categorical_feature=categories)


def c2st(a: np.ndarray, b: np.ndarray, categories: list[int]) -> float:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    x, y = np.concatenate([a, b]), np.repeat([0, 1], [len(a), len(b)])
    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(x, y)
    scores = [
        roc_auc_score(y[test], judge(x[train], y[train], categories).predict_proba(x[test])[:, 1]) for train, test in folds
    ]
    return float(np.mean(scores))


def tstr(train: np.ndarray, test: np.ndarray, target: int, categories: list[int]) -> float:
    from sklearn.metrics import roc_auc_score

    keep = [i for i in range(train.shape[1]) if i != target]
    places = [keep.index(i) for i in categories if i != target]
    known = train[:, target] >= 0
    model = judge(train[known][:, keep], train[known, target], places)
    return float(roc_auc_score(test[:, target], model.predict_proba(test[:, keep])[:, 1]))


def copies(made: np.ndarray, train: np.ndarray) -> float:
    seen = {row.tobytes() for row in np.ascontiguousarray(train)}
    return 100 * float(np.mean([row.tobytes() in seen for row in np.ascontiguousarray(made)]))


def measured(kind: str, train: pa.Table, held: pa.Table, seed: int) -> str:
    """One line of the table."""
    from lookalike.registry import resolve

    make = resolve("synthesizer", kind)
    small = make.model_validate({"epochs": 1} if "epochs" in make.model_fields else {})
    small.fit(train.slice(0, 300), seed=seed).sample(50, seed=seed)
    start = time.process_time()
    model = make.model_validate({"target": "income"} if kind == "aim" else {}).fit(train, seed=seed)
    fitted = time.process_time()
    made = model.sample_arrow(train.num_rows, seed=seed)
    drawn = time.process_time()
    return line(kind, made, train, held, f"{fitted - start:.1f}", f"{drawn - fitted:.1f}")


def line(kind: str, made: pa.Table, train: pa.Table, held: pa.Table, fit: str, draw: str) -> str:
    levels = {f.name: sorted(train[f.name].unique().to_pylist()) for f in train.schema if pa.types.is_string(f.type)}
    categories = [i for i, name in enumerate(train.column_names) if name in levels]
    x, real, fresh = matrix(made, levels), matrix(train, levels), matrix(held, levels)
    target = train.column_names.index("income")
    detected = c2st(fresh, x, categories)
    useful = tstr(x, fresh, target, categories)
    return f"| {kind} | {detected:.3f} | {useful:.3f} | {copies(x, real):.2f} | {fit} | {draw} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    train, held = adult(args.rows, args.seed)
    lines = ["| kind | c2st | tstr | copies, % | fit, CPU s | draw, CPU s |", "|---|---|---|---|---|---|"]
    lines.append(line("the learned rows themselves", train, train, held, "", ""))
    for text in lines:
        print(text, flush=True)
    for kind in args.kinds.split(","):
        lines.append(measured(kind, train, held, args.seed))
        print(lines[-1], flush=True)
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
