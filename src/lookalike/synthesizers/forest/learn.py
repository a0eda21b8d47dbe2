"""What is learned before any tree grows: codes, bins, sketches, which columns determine others, and the order of columns."""

# ruff: noqa: N806  # V, F and G are matrices
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike import rng
from lookalike.errors import SchemaError, SynthesizerError
from lookalike.kernels import keyed
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import encoding
from lookalike.synthesizers.encoding import ColumnCodes
from lookalike.synthesizers.forest.kernels import WIDTH

Array = npt.NDArray[Any]

BINS = 254
FEW = 60  # levels up to which a column is drawn early
PREDECESSORS = 40  # features of one column, at most
LOOKED_AT = 2000  # rows on which columns are compared


@dataclass(frozen=True, slots=True)
class Matrix:
    """A table as codes and bins, one row a learned column.

    Attributes:
        codings: of the learned columns.
        codes: int32 [n] each.
        bins: uint8 [p, n].
        bin_of: uint8 [size] each: the bin of a code; rises with the code.
        counts: float64 [size] each: rows with a code.
    """

    codings: Sequence[ColumnCodes]
    codes: Sequence[Array]
    bins: Array
    bin_of: Sequence[Array]
    counts: Sequence[Array]

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.bins.shape[1])


def code_table(table: pa.Table, schema: TableSchema, k: int) -> tuple[list[ColumnCodes], list[Array]]:
    """Codings of all columns and their codes."""
    pairs = [encoding.learn(column, table[column.name], k=k) for column in schema.columns]
    return [coding for coding, _ in pairs], [codes for _, codes in pairs]


def even_sample(batches: Iterable[pa.RecordBatch | pa.Table], rows: int, key: int) -> pa.Table:
    """Rows of a long table, each as likely as any other, in their order: those with the smallest of keyed random numbers.

    Raises:
        SchemaError: batches with different columns.
        SynthesizerError: no batch.
    """
    kept: list[pa.Table] = []
    drawn = np.empty(0)  # the random number of each kept row
    bar, seen = 1.0, 0
    for batch in batches:
        table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        if kept and table.schema.names != kept[0].schema.names:
            raise SchemaError(
                what=f"a batch has the columns {table.schema.names}, the first had {kept[0].schema.names}",
                fix="give batches of one table",
            )
        coins = keyed.uniforms(key, table.num_rows, start=seen)
        seen += table.num_rows
        under = np.flatnonzero(coins < bar)
        kept.append(table.take(pa.array(under)))
        drawn = np.concatenate([drawn, coins[under]])
        if len(drawn) > 2 * rows:
            kept, drawn, bar = _smallest(kept, drawn, rows)
    if not kept:
        raise SynthesizerError(what="there is no batch of rows", fix="give at least one")
    return _smallest(kept, drawn, rows)[0][0]


def _smallest(kept: list[pa.Table], drawn: Array, rows: int) -> tuple[list[pa.Table], Array, float]:
    whole = pa.concat_tables(kept)
    if len(drawn) <= rows:
        return [whole], drawn, 1.0
    bar = float(np.partition(drawn, rows)[rows])
    stay = np.flatnonzero(drawn < bar)
    return [whole.take(pa.array(stay))], drawn[stay], bar


def matrix(codings: Sequence[ColumnCodes], codes: Sequence[Array]) -> Matrix:
    """Codes with the bins that trees split on."""
    counts = [np.bincount(c, minlength=coding.size).astype(np.float64) for coding, c in zip(codings, codes, strict=True)]
    bin_of = [bins_of(coding, count) for coding, count in zip(codings, counts, strict=True)]
    n = len(codes[0]) if codes else 0
    bins = np.empty((len(codes), n), np.uint8)
    for j, c in enumerate(codes):
        np.take(bin_of[j], c, out=bins[j])
    return Matrix(codings, codes, bins, bin_of, counts)


def bins_of(coding: ColumnCodes, counts: Array) -> Array:
    """The bin of every code: missing is 0; frequent categories and heavy atoms have their own."""
    size = len(counts)
    if coding.form != "number" or size <= BINS:
        return np.minimum(np.arange(size), 255).astype(np.uint8)
    mass = counts[1:]
    share = mass.sum() / BINS
    heavy = mass > share  # their own bin; the light ones share what is left
    bins = max(BINS - 2 * int(heavy.sum()), BINS // 4)
    light = np.where(heavy, 0, mass)
    per_bin = max(light.sum() / bins, 1e-9)
    group = np.floor((np.cumsum(light) - light / 2) / per_bin)
    new = np.ones(size - 1, bool)
    new[1:] = (group[1:] != group[:-1]) | heavy[1:] | heavy[:-1]
    ids = np.cumsum(new)
    if ids[-1] > 255:  # many heavy atoms between light cells: plain quantiles
        ids = 1 + np.floor((np.cumsum(mass) - mass / 2) / mass.sum() * BINS)
    return np.concatenate([[0], ids]).astype(np.uint8)


def sketch(coding: ColumnCodes, counts: Array, draws: np.random.Generator) -> Array:
    """A random low-dimensional stand-in for every code, float32 [size, WIDTH], whose means tell distributions apart.

    Numbers: rank and random Fourier features of the rank. Categories: corners of a simplex when there are few, else random signs.
    """
    present = counts > 0
    V = np.zeros((len(counts), WIDTH), np.float32)
    if coding.form == "number" and present[1:].sum() > WIDTH:
        mass = counts[1:]
        rank = (np.cumsum(mass) - mass / 2) / max(mass.sum(), 1)
        V[1:, 0] = (rank - 0.5) * 2
        for d in range(1, WIDTH):
            V[1:, d] = 0.7 * np.cos(2 * np.pi * (draws.uniform(0.5, 4.0) * rank + draws.uniform()))
        V[0, 0] = -3.0
        return V
    kinds = np.flatnonzero(present)
    if len(kinds) <= WIDTH + 1:
        corners = np.eye(len(kinds)) - 1 / max(len(kinds), 1)
        axes = np.linalg.svd(corners)[2][: max(len(kinds) - 1, 0)]
        V[np.ix_(kinds, np.arange(len(axes)))] = corners @ axes.T
        return V
    V[:] = draws.choice([-0.5, 0.5], (len(counts), WIDTH))
    V -= (counts @ V / counts.sum()).astype(np.float32)
    return V


def association(data: Matrix) -> Array:
    """How much each pair of columns tells about each other, float32 [p, p], from sketches on some rows; larger is more."""
    p, n = data.bins.shape
    rows = np.linspace(0, n - 1, min(n, LOOKED_AT)).astype(np.int64)
    dims = WIDTH if p <= 200 else 2
    F = np.empty((len(rows), p * dims), np.float32)
    for j in range(p):
        V = sketch(data.codings[j], data.counts[j], rng.generator("association", j))[:, :dims]
        part = V[data.codes[j][rows]]
        part = part - part.mean(0)
        F[:, j * dims : (j + 1) * dims] = part / np.maximum(part.std(0), 1e-6)
    G = (F.T @ F / len(rows)) ** 2
    return np.asarray(G.reshape(p, dims, p, dims).sum((1, 3)), np.float32)


def determined(data: Matrix, near: Array | None) -> dict[int, int]:
    """Columns that another column determines exactly: dependent -> determinant.

    A dependency counts when at least 50 rows, and half of all, repeat a determinant's value, and the dependent varies. With many
    columns (`near` says how they hang together) only the nearest are looked at.
    """
    p, n = data.bins.shape
    exact = [all_atoms(coding) for coding in data.codings]
    rows = np.linspace(0, n - 1, min(n, LOOKED_AT)).astype(np.int64)
    few = [codes[rows] for codes in data.codes]
    levels = [int((count > 0).sum()) for count in data.counts]
    found: dict[int, int] = {}
    for dependent in sorted(range(p), key=lambda j: levels[j]):
        if not exact[dependent] or levels[dependent] < 2:
            continue
        likely = range(p) if near is None else np.argsort(-near[dependent], kind="stable")[:PREDECESSORS].tolist()
        for determinant in sorted(likely, key=lambda j: (levels[j], j)):
            fits = determinant != dependent and exact[determinant] and levels[dependent] <= levels[determinant]
            if not fits or n - levels[determinant] < max(50, n // 2) or _leads_to(found, determinant, dependent):
                continue
            if _function(few[determinant], few[dependent]) and _function(data.codes[determinant], data.codes[dependent]):
                found[dependent] = determinant
                break
    return found


def all_atoms(coding: ColumnCodes) -> bool:
    """Whether a code says the value exactly."""
    return coding.form == "category" or bool((coding.low == coding.high).all())


def _function(a: Array, b: Array) -> bool:
    """Whether equal codes in `a` always come with equal codes in `b`."""
    table = np.full(int(a.max()) + 1, -1, np.int32)
    table[a] = b
    return bool((table[a] == b).all())


def _leads_to(found: dict[int, int], start: int, goal: int) -> bool:
    while start in found:
        start = found[start]
        if start == goal:
            return True
    return False


def order_of(data: Matrix, before: Mapping[int, Sequence[int]], last: int | None) -> list[int]:
    """Columns in the order in which they are drawn: few levels first, what others give after these, the target last."""
    levels = [int((count > 0).sum()) for count in data.counts]
    wanted = sorted(range(len(levels)), key=lambda j: (j == last, levels[j] > FEW, j))
    out: list[int] = []

    def put(j: int) -> None:
        if j in out:
            return
        for needed in before.get(j, ()):
            put(needed)
        out.append(j)

    for j in wanted:
        put(j)
    return out
