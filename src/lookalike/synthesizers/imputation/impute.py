"""Filling in: missing cells of a real table get values, the cells that are there stay as they are.

    mean, median, mode      one value a column: the floor for the others
    knn                     from the nearest rows
    iterative               each column by a line and boosted trees on all others, twice over: the default
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
from lookalike.kernels.blas import one_thread
from lookalike.registry import resolve
from lookalike.schema.infer import infer
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import features
from lookalike.synthesizers.features import Data, Feature

Method = Literal["mean", "median", "mode", "knn", "iterative", "forest"]
Values = npt.NDArray[Any]
TRAIN_ROWS = 16_000  # rows that one column's model is trained on
TREES = (16, 72)  # boosted trees a column, in the first round and in the second
RATE, ROWS_SHARE, COLUMNS_SHARE, LEAST = 0.16, 0.5, 0.6, 8  # of boosting: step, shares of a tree, rows of a leaf
FEW_ROWS, BAGS = 6_000, 2  # below so many training rows, the mean of so many models of smaller steps
FEWEST = 20  # rows that a model is trained on at least
DRAW_BINS = 64  # of a number when values are drawn: finer ones follow the noise
MOST_CODES = 64  # of a category as a predictor; the rarest levels share the last
NEIGHBORS = 5
CANDIDATES = 5_000  # rows among which neighbours are looked for
MOST_LEVELS = 32  # of a category in a distance; the rarest share the last
DONORS = 5  # observed values near the prediction, of which a draw takes one (Little 1988, predictive mean matching)
DONOR_ROWS = 3_000  # rows that donors come from


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
    with one_thread():
        drawn = [_filled(table, schema, method, rng.key(seed, "impute", i), draw=m > 1) for i in range(m)]
    out = [frames.from_arrow(one, kind, rows_of=frame) for one in drawn]
    return out[0] if m == 1 else out


def _filled(table: pa.Table, schema: TableSchema, method: Method, key: int, *, draw: bool) -> pa.Table:
    if method == "forest":
        model = resolve("synthesizer", "forest")().fit(table, schema, seed=key & 0xFFFF)
        return model.complete(table, seed=key & 0x7FFFFFFF)
    learned, data = features.learn(table, schema, least=0)
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
    if not gaps:
        return filled
    rows = np.flatnonzero(np.any(list(gaps.values()), axis=0))
    donors = np.sort(draws.permutation(len(data[learned[0].name]))[:CANDIDATES])
    near = _nearest(learned, data, rows, donors)
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


def _nearest(learned: Sequence[Feature], data: Data, rows: Values, donors: Values) -> npt.NDArray[np.int64]:
    """The donors nearest to each row by the columns that both have, nearest first: rows [len(rows), k]."""
    points, there = _points(learned, data)
    a, seen = points[donors].T, there[donors].T
    squares, k = a**2, min(len(donors), 4 * NEIGHBORS)
    out = np.empty((len(rows), k), np.int64)
    for start in range(0, len(rows), 1000):
        some = rows[start : start + 1000]
        x, has = points[some], there[some]
        apart = (x**2) @ seen + has @ squares - 2 * (x @ a)
        common = has @ seen
        apart = np.where(common > 0, apart / np.maximum(common, 1e-9), np.inf)
        apart[some[:, None] == donors] = np.inf  # a row is no neighbour of its own
        best = np.argpartition(apart, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(apart, best, axis=1), axis=1, kind="stable")
        out[start : start + 1000] = donors[np.take_along_axis(best, order, axis=1)]
    return out


def _points(learned: Sequence[Feature], data: Data) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Standardised numbers and indicators of the commonest levels, 0 where missing, and 1 where a cell is there."""
    points, there = [], []
    for feature in learned:
        values = data[feature.name]
        gone = _gone(feature, values)
        if gone.all():
            continue
        if feature.is_number:
            scaled = values / (np.nanmax(np.abs(values)) or 1.0)  # squares of the greatest floats overflow
            wide = ((scaled - np.nanmean(scaled)) / (np.nanstd(scaled) or 1.0))[:, None]
        else:
            wide = np.eye(min(feature.size, MOST_LEVELS))[np.minimum(values, MOST_LEVELS - 1)] / np.sqrt(2)
        points.append(np.where(gone[:, None], 0.0, wide).astype(np.float32))
        there.append(np.repeat(~gone[:, None], wide.shape[1], axis=1).astype(np.float32))
    return np.concatenate(points, axis=1), np.concatenate(there, axis=1)


# --- chained equations -----------------------------------------------------------------------------------------------------


def _iterative(
    learned: Sequence[Feature], data: Data, gaps: dict[str, Any], filled: Data, draws: np.random.Generator, *, draw: bool
) -> Data:
    """Each column with gaps by a model on all others; the second round sees the first one's values."""
    from lookalike.learners import sketched

    wall = _Wall(learned, data, filled, draws, DRAW_BINS if draw else sketched.BINS)
    now = dict(data)
    for trees in TREES:
        for name in sorted(gaps, key=lambda name: int(gaps[name].sum())):
            gone = gaps[name]
            place = wall.names.index(name)
            train = draws.permutation(np.flatnonzero(~gone))[: TRAIN_ROWS + DONOR_ROWS * draw]
            if len(learned) == 1 or len(train) < FEWEST:
                value = filled[name][gone]
                now[name] = filled[name]
                if draw:
                    value = draws.choice(data[name][~gone], len(value))
            else:
                value = _predict(wall, place, data[name], train, np.flatnonzero(gone), draws, trees=trees, draw=draw)
            now[name] = now[name].copy()
            now[name][gone] = value
            wall.write(place, gone, value)
    return now


class _Wall:
    """All columns side by side, as every column's model reads them; gaps stay gaps until they are filled.

    Attributes:
        names: of the columns.
        codes: uint8 [n, d], bins of numbers and levels of categories; 0 where the cell is missing.
        plain: float64 [n, e], a standardised column for each number, the mean where the cell is missing; the last column is 1.
    """

    def __init__(self, learned: Sequence[Feature], data: Data, filled: Data, draws: np.random.Generator, bins: int) -> None:
        from lookalike.learners import sketched

        self.names = [feature.name for feature in learned]
        self.features = learned
        rows = len(next(iter(data.values())))
        self.codes = np.zeros((rows, len(learned)), np.uint8)
        numbers = [i for i, feature in enumerate(learned) if feature.is_number]
        self.plain = np.ones((rows, len(numbers) + 1))
        self._axis = {place: i for i, place in enumerate(numbers)}
        self._edges = {i: sketched.bin_edges(data[learned[i].name], draws, bins) for i in numbers}
        self._scale: dict[int, tuple[float, float]] = {}
        for place, feature in enumerate(learned):
            if feature.is_number:
                there = filled[feature.name]
                there = there[~np.isnan(there)]
                self._scale[place] = (float(there.mean()), float(there.std()) or 1.0) if len(there) else (0.0, 1.0)
            self.write(place, np.ones(rows, bool), data[feature.name])

    def write(self, place: int, rows: npt.NDArray[np.bool_], values: Values) -> None:
        """Set a column's cells in some rows."""
        from lookalike.learners import sketched

        feature = self.features[place]
        if not feature.is_number:
            known = len(feature.levels or ())
            self.codes[rows, place] = np.where(values >= known, 0, np.minimum(values, MOST_CODES - 2) + 1)
            return
        self.codes[rows, place] = sketched.bin_codes(values, self._edges[place])
        middle, width = self._scale[place]
        self.plain[rows, self._axis[place]] = np.clip(np.nan_to_num((values - middle) / width), -5, 5)

    def read(self, place: int, rows: Values, order: Sequence[Values | None]) -> npt.NDArray[np.uint8]:
        """Codes of all columns but one, categories in the order given."""
        out = self.codes[rows]
        for i, ranks in enumerate(order):
            if ranks is not None:
                out[:, i] = ranks[out[:, i]]
        return np.ascontiguousarray(np.delete(out, place, axis=1))

    def order(self, rows: Values, target: Values) -> list[Values | None]:
        """For each category of many levels: the rank of each code by its mean target, so that one cut splits it well."""
        out: list[Values | None] = []
        for i, feature in enumerate(self.features):
            if feature.is_number or feature.size <= 2:
                out.append(None)
                continue
            codes = self.codes[rows, i]
            counts = np.bincount(codes, minlength=MOST_CODES)
            means = (np.bincount(codes, weights=target, minlength=MOST_CODES) + 3 * target.mean()) / (counts + 3)
            out.append(np.argsort(np.argsort(means, kind="stable"), kind="stable").astype(np.uint8))
        return out

    def line(self, place: int, rows: Values) -> npt.NDArray[np.float64]:
        """The standardised numbers of all columns but one."""
        wide = self.plain[rows]
        return np.delete(wide, self._axis[place], axis=1) if place in self._axis else wide


def _predict(
    wall: _Wall,
    place: int,
    column: Values,
    train: Values,
    wanted: Values,
    draws: np.random.Generator,
    *,
    trees: int,
    draw: bool,
) -> Values:
    """Values of the wanted rows: the likeliest, or draws."""
    if not wall.features[place].is_number:
        return _predict_level(wall, place, column, train, wanted, draws, trees=trees, draw=draw)
    donors = train[:0]
    if draw:  # donors are no training rows, so that their predictions err as much as those of the wanted rows
        cut = min(DONOR_ROWS, len(train) // 3)
        donors, train = train[:cut], draws.choice(train[cut:], len(train) - cut)
        wanted = np.concatenate([wanted, donors])
    middle, width = float(column[train].mean()), float(column[train].std()) or 1.0
    target = (column[train] - middle) / width
    straight, ask = wall.line(place, train), wall.line(place, wanted)
    slope = np.linalg.solve(straight.T @ straight + 1e-3 * len(train) * np.eye(straight.shape[1]), straight.T @ target)
    scores, asked = (straight @ slope)[:, None], (ask @ slope)[:, None]
    order = wall.order(train, target)
    asked = _boosted(wall, place, train, wanted, order, (target[:, None], scores, asked), trees, RATE, draws, draw=draw)
    guess = asked[:, 0] * width + middle
    if not draw:
        return np.asarray(np.clip(guess, column[train].min(), column[train].max()))
    guess, seen = guess[: len(guess) - len(donors)], guess[len(guess) - len(donors) :]
    near = np.argsort(seen, kind="stable")
    at = np.searchsorted(seen[near], guess) + draws.integers(-(DONORS // 2), DONORS - DONORS // 2, len(guess))
    return np.asarray(column[donors[near[np.clip(at, 0, len(near) - 1)]]])


def _predict_level(
    wall: _Wall,
    place: int,
    column: Values,
    train: Values,
    wanted: Values,
    draws: np.random.Generator,
    *,
    trees: int,
    draw: bool,
) -> Values:
    if draw:
        train = draws.choice(train, min(len(train), TRAIN_ROWS))
    classes, codes = np.unique(column[train], return_inverse=True)
    if len(classes) == 1:
        return np.full(len(wanted), classes[0])
    target = np.eye(len(classes))[codes]
    start = np.log(target.mean(axis=0))
    scores, asked = np.tile(start, (len(train), 1)), np.tile(start, (len(wanted), 1))
    order = wall.order(train, target @ draws.standard_normal(len(classes)) if len(classes) > 2 else target[:, 0])
    asked = _boosted(
        wall, place, train, wanted, order, (target, scores, asked), max(8, trees // 2), 1.5 * RATE, draws, draw=draw
    )
    if draw:
        asked += draws.gumbel(size=asked.shape)
    return np.asarray(classes[asked.argmax(axis=1)])


def _boosted(
    wall: _Wall,
    place: int,
    train: Values,
    wanted: Values,
    order: Sequence[Values | None],
    begun: tuple[Values, Values, Values],
    trees: int,
    rate: float,
    draws: np.random.Generator,
    *,
    draw: bool,
) -> Values:
    """Scores of the wanted rows; of few rows the mean of several slower models, which errs less and still costs little."""
    from lookalike.learners.sketched import boost

    target, scores, asked = begun
    rows, wanted_rows = wall.read(place, train, order), wall.read(place, wanted, order)
    few = not draw and len(train) < FEW_ROWS
    trees, rate, bags, least = (3 * trees // 2, rate / 1.5, BAGS, LEAST // 2 + 1) if few else (trees, rate, 1, LEAST)
    total = np.zeros_like(asked)
    for _ in range(bags):
        made, seed = asked.copy(), int(draws.integers(1 << 31))
        boost(rows, target, wanted_rows, scores.copy(), made, trees, rate, ROWS_SHARE, COLUMNS_SHARE, least, seed)
        total += made
    return np.asarray(total / bags)
