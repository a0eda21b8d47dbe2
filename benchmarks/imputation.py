"""Filling in, beside scikit-learn's kNN and iterative forest, on a real table with cells taken away.

    python benchmarks/imputation.py --rows 3000 --masks mcar,mar

Adult without its gaps is the truth. A tenth of the cells of every column goes: at random (`mcar`), or, in all columns but `age`, four
times as often in the older half of the people as in the younger (`mar`). scikit-learn sees categories as codes; its iterative forest
has 20 trees and 3 rounds, with regression for codes that are rounded, as its users do.

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
    old = table["age"].to_numpy() > np.median(table["age"].to_numpy())
    chance = np.where(old, 0.16, 0.04) if kind == "mar" else np.full(table.num_rows, 0.1)
    names = [name for name in table.column_names if kind != "mar" or name != "age"]
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
        if pa.types.is_string(truth[name].type):
            categories.append(np.mean([a != b for a, b in pairs]))
        else:
            a, b = (np.array(side, float) for side in zip(*pairs, strict=True))
            numbers.append(np.sqrt(np.mean((a - b) ** 2)) / np.std(np.array(real, float)))
    return float(np.mean(numbers)), 100 * float(np.mean(categories))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--masks", default="mcar,mar")
    parser.add_argument("--methods", default="median,knn,iterative,sklearn-knn,sklearn-forest")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    from lookalike.sources.package import Package
    from lookalike.synthesizers.impute import impute

    table = Package(name="adult").read(Path()).drop_null()
    truth = table.take(np.random.default_rng(args.seed).permutation(table.num_rows)[: args.rows])
    impute(truth.slice(0, 300), method="iterative")  # compilation is not counted
    print("| mask | method | numbers | categories, % | cpu s |\n|---|---|---|---|---|")
    for kind in args.masks.split(","):
        gone = masks(truth, kind, args.seed)
        holed = with_gaps(truth, gone)
        for method in args.methods.split(","):
            start = time.process_time()
            filled = scikit(holed, method.removeprefix("sklearn-")) if "sklearn" in method else impute(holed, method=method)
            spent = time.process_time() - start
            numbers, categories = errors(truth, filled, gone)
            print(f"| {kind} | {method} | {numbers:.3f} | {categories:.1f} | {spent:.1f} |", flush=True)


if __name__ == "__main__":
    main()
