"""Filling in: missing cells of a real table get values, the cells that are there stay as they are.

    mean, median, mode      one value a column: the floor for the others
    knn                     from the nearest rows
    iterative               each column by boosted trees on all others, twice over: the default
    forest                  `Forest.complete`: all of a row's missing cells together, from its joint distribution

One filled table (`m=1`) holds the likeliest values; several (`m > 1`) are draws, so that an analysis over them shows how unsure
the filling is (Rubin 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import frames, rng
from lookalike.errors import SynthesizerError
from lookalike.registry import resolve
from lookalike.schema.infer import infer
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import features
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.smote import space
from lookalike.synthesizers.trees import grow

Method = Literal["mean", "median", "mode", "knn", "iterative", "forest"]
Values = npt.NDArray[Any]
TRAIN_ROWS = 10_000  # rows that one column's model is trained on
TREES = (16, 45)  # boosted trees a column, in the first round and in the second
NEIGHBORS = 5
DONORS = 5  # observed values near the prediction, of which a draw takes one (Little 1988, predictive mean matching)
MOST_CLASSES = 8  # beyond them a boosted classifier, with a tree for every class, is too slow


def impute(frame: Any, *, method: Method = "iterative", m: int = 1, seed: int = 0, schema: TableSchema | None = None) -> Any:
    """Fill the missing cells of a table.

    Args:
        frame: pandas, polars or Arrow. NaN counts as missing. Identifiers, personal data, prose and nested cells stay missing.
        method: see the module.
        m: 1: the likeliest values, one frame; more: a list of so many draws.
        seed: the same seed fills the same values.
        schema: semantic types; inferred when not given.

    Returns:
        The kind of frame that came in; a list of them when `m` is above 1.

    Raises:
        SynthesizerError: an unknown method, `m` below 1, or draws asked of a method that has one value only.

    Source:
        van Buuren and Groothuis-Oudshoorn 2011, "mice"; Stekhoven and Bühlmann 2012, "MissForest".
    """
    table = frames.to_arrow(frame)
    known = ("mean", "median", "mode", "knn", "iterative", "forest")
    if method not in known:
        raise SynthesizerError(what=f"no method {method!r}", fix=f"one of {', '.join(known)}")
    if m < 1 or (m > 1 and method in ("mean", "median", "mode")):
        raise SynthesizerError(what=f"m is {m} with {method}", fix="m is 1 or more; draws need iterative, knn or forest")
    kind = frames.frame_kind(frame)
    if table.num_rows == 0:
        return frame if m == 1 else [frame] * m
    schema = schema or infer(table)
    drawn = [_filled(table, schema, method, rng.key(seed, "impute", i), draw=m > 1) for i in range(m)]
    out = [frames.from_arrow(one, kind) for one in drawn]
    return out[0] if m == 1 else out


def _filled(table: pa.Table, schema: TableSchema, method: Method, key: int, *, draw: bool) -> pa.Table:
    if method == "forest":
        model = resolve("synthesizer", "forest")().fit(table, schema, seed=key & 0xFFFF)
        return model.complete(table, seed=key & 0x7FFFFFFF)
    learned, data = features.learn(table, schema)
    gaps = {f.name: _gone(f, data[f.name]) for f in learned if f.missing and (f.is_number or f.levels)}
    gaps = {name: gone for name, gone in gaps.items() if not gone.all()}
    draws = rng.generator(key)
    filled = _simple(learned, data, gaps, method)
    if method == "knn":
        filled = _knn(learned, data, gaps, filled, draws, draw=draw)
    elif method == "iterative":
        filled = _iterative(learned, data, gaps, filled, draws, draw=draw)
    for feature in learned:
        if feature.name in gaps:
            made = features.decode(feature, schema[feature.name], filled[feature.name])
            table = _put(table, feature.name, made, gaps[feature.name])
    return table


def _put(table: pa.Table, name: str, made: pa.Array, gone: npt.NDArray[np.bool_]) -> pa.Table:
    column = table[name].combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return table.set_column(table.column_names.index(name), name, pc.if_else(pa.array(gone), made, column))


def _gone(feature: Feature, values: Values) -> npt.NDArray[np.bool_]:
    return np.isnan(values) if feature.is_number else values >= len(feature.levels or ())


def _simple(learned: Sequence[Feature], data: Data, gaps: dict[str, Any], method: Method) -> Data:
    """One value a column: mean or median of a number, the commonest of a category (and of a number for mode)."""
    out = dict(data)
    for feature in learned:
        if feature.name not in gaps:
            continue
        there = data[feature.name][~gaps[feature.name]]
        if not feature.is_number or method == "mode":
            points, counts = np.unique(there, return_counts=True)
            value = points[counts.argmax()]
        else:
            value = np.mean(there) if method == "mean" else np.median(there)
        out[feature.name] = np.where(gaps[feature.name], value, data[feature.name])
    return out


# --- nearest rows ----------------------------------------------------------------------------------------------------------


def _knn(
    learned: Sequence[Feature], data: Data, gaps: dict[str, Any], filled: Data, draws: np.random.Generator, *, draw: bool
) -> Data:
    """From the nearest rows that have the cell: their mean, their commonest, or one of them."""
    from scipy.spatial import cKDTree

    points = space(learned, filled)
    rows = np.flatnonzero(np.any(list(gaps.values()), axis=0)) if gaps else np.empty(0, np.int64)
    if not len(rows):
        return filled
    near = cKDTree(points).query(points[rows], k=min(len(points), 4 * NEIGHBORS + 1))[1].reshape(len(rows), -1)
    out = dict(filled)
    for feature in learned:
        if feature.name not in gaps:
            continue
        here = np.flatnonzero(gaps[feature.name][rows])
        around, usable = data[feature.name][near[here]], ~gaps[feature.name][near[here]]
        usable &= np.cumsum(usable, axis=1) <= NEIGHBORS
        some = usable.any(axis=1)
        column = out[feature.name].copy()
        if draw:
            pick = np.where(usable, draws.random(usable.shape), -1.0).argmax(axis=1)
            value = around[np.arange(len(here)), pick]
        elif feature.is_number:
            value = np.where(usable, around, 0.0).sum(axis=1) / np.maximum(usable.sum(axis=1), 1)
        else:
            votes = np.zeros((len(here), max(1, feature.size)))
            np.add.at(votes, (np.repeat(np.arange(len(here)), around.shape[1]), around.ravel()), usable.ravel())
            value = votes.argmax(axis=1)
        column[rows[here[some]]] = value[some]
        out[feature.name] = column
    return out


# --- chained equations -----------------------------------------------------------------------------------------------------


def _iterative(
    learned: Sequence[Feature], data: Data, gaps: dict[str, Any], filled: Data, draws: np.random.Generator, *, draw: bool
) -> Data:
    """Each column with gaps by a model on all others; the second round sees the first one's values."""
    now = {name: values.copy() for name, values in data.items()}  # round 1: gaps of the predictors stay gaps
    order = sorted(gaps, key=lambda name: int(gaps[name].sum()))
    known = {feature.name: feature for feature in learned}
    for turn, trees in enumerate(TREES):
        matrix = np.stack([_column(now[f.name], gaps.get(f.name) if turn == 0 else None) for f in learned], axis=1)
        place = {feature.name: i for i, feature in enumerate(learned)}
        for name in order:
            feature, gone = known[name], gaps[name]
            train = np.flatnonzero(~gone)
            if len(train) > TRAIN_ROWS or draw:  # a draw trains on other rows each time
                train = draws.choice(train, min(len(train), TRAIN_ROWS), replace=draw)
            others = np.delete(matrix, place[name], axis=1)
            if others.shape[1] == 0 or len(train) < 20:
                now[name] = filled[name]
            else:
                guess = _predict(feature, others[train], data[name][train], others[gone], draws, trees=trees, draw=draw)
                now[name] = now[name].copy()
                now[name][gone] = guess
            matrix[:, place[name]] = _column(now[name], None)
    return now


def _column(values: Values, gone: Values | None) -> npt.NDArray[np.float32]:
    column = values.astype(np.float32)
    if gone is not None:
        column[gone] = np.nan
    return column


def _predict(
    feature: Feature, rows: Values, target: Values, wanted: Values, draws: np.random.Generator, *, trees: int, draw: bool
) -> Values:
    """Values of the wanted rows: the likeliest, or draws."""
    state = int(draws.integers(1 << 31))
    if feature.is_number:
        return _predict_number(rows, target, wanted, draws, state, trees=trees, draw=draw)
    classes, codes = np.unique(target, return_inverse=True)
    if len(classes) == 1:
        return np.full(len(wanted), classes[0])
    if len(classes) <= MOST_CLASSES:
        from sklearn.ensemble import HistGradientBoostingClassifier

        boosted = HistGradientBoostingClassifier(
            max_iter=max(8, trees // 2),
            learning_rate=5 / (trees + 8),
            max_leaf_nodes=15,
            min_samples_leaf=10,
            early_stopping=False,
            random_state=state,
        ).fit(rows, codes)
        chances = boosted.predict_proba(wanted)
    else:
        chances = _leaf_chances(rows, codes, len(classes), wanted, state)
    if not draw:
        return np.asarray(classes[chances.argmax(axis=1)])
    cuts = np.cumsum(chances, axis=1)
    pick = (cuts < (draws.random(len(wanted)) * cuts[:, -1])[:, None]).sum(axis=1)
    return np.asarray(classes[np.minimum(pick, len(classes) - 1)])


def _predict_number(
    rows: Values, target: Values, wanted: Values, draws: np.random.Generator, state: int, *, trees: int, draw: bool
) -> Values:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        max_iter=trees,
        learning_rate=8 / (trees + 8),
        max_leaf_nodes=31,
        min_samples_leaf=10,
        early_stopping=False,
        random_state=state,
    ).fit(rows, target)
    guess = model.predict(wanted)
    if not draw:
        return np.asarray(guess)
    seen = model.predict(rows)
    order = np.argsort(seen, kind="stable")
    place = np.searchsorted(seen[order], guess)
    offset = draws.integers(-(DONORS // 2), DONORS - DONORS // 2, len(wanted))
    return np.asarray(target[order[np.clip(place + offset, 0, len(order) - 1)]])


def _leaf_chances(rows: Values, codes: Values, classes: int, wanted: Values, state: int) -> npt.NDArray[np.float64]:
    """Shares of many classes in the leaves of a few trees grown on random signs of the classes."""
    draws = np.random.default_rng(state)
    clean, ask = np.nan_to_num(rows, nan=-1e30).astype(np.float32), np.nan_to_num(wanted, nan=-1e30).astype(np.float32)
    chances = np.full((len(wanted), classes), 1e-9)
    for _ in range(8):
        some = draws.integers(0, len(rows), len(rows))
        signs = draws.choice([-1.0, 1.0], (classes, 8))
        tree = grow(clean[some], signs[codes[some]], min_leaf=5, seed=int(draws.integers(1 << 31)))
        table = np.zeros((len(tree.left), classes))
        np.add.at(table, (tree.leaves(clean[some]), codes[some]), 1.0)
        table /= np.maximum(table.sum(axis=1, keepdims=True), 1)
        chances += table[tree.leaves(ask)]
    return chances
