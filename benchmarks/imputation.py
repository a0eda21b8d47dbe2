"""Filling in, beside scikit-learn's kNN and iterative forest, on real tables with cells taken away.

    python benchmarks/imputation.py --rows 2000 --tables adult,diamonds,credit,penguins,wages,fatty_liver --masks mcar,mar

A table without its gaps is the truth; identifiers and constants are left out. A tenth of the cells of every column goes: at random
(`mcar`), or, in all columns but the first number, four times as often in the rows whose first number is above its median (`mar`).
scikit-learn sees categories as codes; its iterative forest has 20 trees and 3 rounds, with regression for codes that are rounded, as
its users do.

    numbers      root mean squared error of numbers in units of their spread, mean over columns
    categories   percent of filled categories that are wrong, mean over columns
    cpu          seconds, one thread
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


def masks(table: pa.Table, kind: str, seed: int) -> dict[str, np.ndarray]:
    """Where cells go, by column."""
    draws = np.random.default_rng(seed)
    first = next(field.name for field in table.schema if not pa.types.is_string(field.type))
    high = table[first].to_numpy() > np.median(table[first].to_numpy())
    chance = np.where(high, 0.16, 0.04) if kind == "mar" else np.full(table.num_rows, 0.1)
    names = [name for name in table.column_names if kind != "mar" or name != first]
    return {name: draws.random(table.num_rows) < chance for name in names}


def with_gaps(table: pa.Table, gone: dict[str, np.ndarray]) -> pa.Table:
    columns = []
    for name in table.column_names:
        column = table[name].combine_chunks()
        columns.append(pa.array(column.to_pylist(), column.type, mask=gone[name]) if name in gone else column)
    return pa.table(columns, names=table.column_names)


def errors(truth: pa.Table, filled: pa.Table, gone: dict[str, np.ndarray]) -> tuple[float, float]:
    numbers, categories = [], []
    for name, mask in gone.items():
        real, made = truth[name].to_pylist(), filled[name].to_pylist()
        pairs = [(real[i], made[i]) for i in np.flatnonzero(mask)]
        if pa.types.is_string(truth[name].type) or set(real) == {0, 1}:  # two classes are no quantity
            categories.append(np.mean([a != (b if isinstance(b, str) else round(b)) for a, b in pairs]))
        else:
            a, b = (np.array(side, float) for side in zip(*pairs, strict=True))
            numbers.append(np.sqrt(np.mean((a - b) ** 2)) / np.std(np.array(real, float)))
    return float(np.mean(numbers)), 100 * float(np.mean(categories)) if categories else float("nan")


def scikit(table: pa.Table, method: str) -> pa.Table:
    """The peers, over codes."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # makes IterativeImputer importable
    from sklearn.impute import IterativeImputer, KNNImputer

    columns, levels = [], {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type):
            encoded = column.dictionary_encode()
            levels[name] = encoded.dictionary.to_pylist()
            columns.append(encoded.indices.cast(pa.float64()).to_numpy(zero_copy_only=False))
        else:
            columns.append(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    matrix = np.stack(columns, axis=1)
    mean, spread = np.nanmean(matrix, axis=0), np.nanstd(matrix, axis=0)
    forest = RandomForestRegressor(20, min_samples_leaf=3, n_jobs=1, random_state=0)
    model = KNNImputer() if method == "knn" else IterativeImputer(forest, max_iter=3, tol=0, random_state=0)
    filled = model.fit_transform((matrix - mean) / spread) * spread + mean
    out = {}
    for i, name in enumerate(table.column_names):
        if name in levels:
            codes = np.clip(np.round(filled[:, i]), 0, len(levels[name]) - 1).astype(int)
            out[name] = pa.array([levels[name][code] for code in codes])
        else:
            out[name] = pa.array(filled[:, i])
    return pa.table(out)


def whole(name: str, rows: int, seed: int) -> pa.Table:
    """So many rows of a packaged table without gaps, identifiers and constants."""
    from lookalike.schema.infer import infer
    from lookalike.sources.package import Package

    table = Package(name=name).read(Path())
    kept = [c.name for c in infer(table).columns if c.semantic not in ("id", "constant", "empty", "datetime")]
    table = table.select(kept).drop_null()
    return table.take(np.random.default_rng(seed).permutation(table.num_rows)[:rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--tables", default="adult,diamonds,credit,penguins,wages,fatty_liver")
    parser.add_argument("--masks", default="mcar,mar")
    parser.add_argument("--methods", default="median,knn,iterative,sklearn-knn,sklearn-forest")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    from lookalike.synthesizers.imputation.impute import impute

    impute(whole("adult", 300, 0), method="iterative")  # compilation is not counted
    print("| table | mask | method | numbers | categories, % | cpu s |\n|---|---|---|---|---|---|")
    for table in args.tables.split(","):
        truth = whole(table, args.rows, args.seed)
        for kind in args.masks.split(","):
            gone = masks(truth, kind, args.seed)
            holed = with_gaps(truth, gone)
            for method in args.methods.split(","):
                start = time.process_time()
                filled = scikit(holed, method.removeprefix("sklearn-")) if "sklearn" in method else impute(holed, method=method)
                spent = time.process_time() - start
                numbers, categories = errors(truth, filled, gone)
                print(f"| {table} | {kind} | {method} | {numbers:.3f} | {categories:.1f} | {spent:.1f} |", flush=True)


if __name__ == "__main__":
    main()
