"""What a parent's row says of its children: how many there are, and what they are like.

These are columns of the parent like any other, learned and drawn with it and not written: `#orders` is a count, `#orders.amount` the
mean of a number or the most frequent of some categories. Children are then drawn given their family's, so that siblings resemble each
other as much as they should (ClavaDDPM's idea of a family's latent, with columns that have a meaning instead of clusters).

Source:
    Pang et al. 2024, "ClavaDDPM: Multi-relational Data Synthesis with Cluster-guided Diffusion Models".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.types import NUMERIC, TEMPORAL, ColumnSchema, TableSchema
from lookalike.synthesizers.relational.graph import Places

Floats = npt.NDArray[np.float64]

LIKE = 0.05  # how much siblings must resemble each other before it is worth a column
MOST = 8  # such columns
LEVELS = 64  # of a category that is summed up


@dataclass(frozen=True, slots=True)
class Hidden:
    """Columns that are learned with a table and not written."""

    table: pa.Table
    columns: tuple[ColumnSchema, ...]


def count_name(relation: str) -> str:
    """The column that holds how many children a row has."""
    return f"#{relation}"


def numbers(values: pa.ChunkedArray) -> Floats | None:
    """A column's values as float64, dates and times as ticks of their unit; None when it holds none."""
    kind = values.type
    if pa.types.is_temporal(kind):
        bits = pa.int32() if kind in (pa.date32(), pa.time32("s"), pa.time32("ms")) else pa.int64()
        values = values.cast(bits)
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    return np.asarray(values.cast(pa.float64()).to_numpy(), np.float64)


def likeness(ranks: Floats, family: Places) -> float:
    """Intra-class correlation: 0 when siblings are strangers, 1 when they are equal; pairs of siblings count alike."""
    known = ~np.isnan(ranks) & (family >= 0)
    values, group = ranks[known], np.unique(family[known], return_inverse=True)[1]
    size = np.bincount(group).astype(np.float64)
    many = size[group] > 1
    if many.sum() < 30 or values[many].std() == 0:
        return 0.0
    values = (values - values[many].mean()) / values[many].std()
    total, squares = np.bincount(group, values), np.bincount(group, values * values)
    pairs = size > 1
    return float((total**2 - squares)[pairs].sum() / (size * (size - 1))[pairs].sum())


def ranks(values: Floats) -> Floats:
    """Ranks in [0, 1], ties alike; nan stays."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return values
    found = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / (2 * len(known))
    return np.where(np.isnan(values), np.nan, found)


def hidden(relation: str, children: pa.Table, schema: TableSchema, family: Places, parents: int, *, like: bool) -> Hidden:
    """What a parent's rows say of their children by one relation.

    Args:
        relation: its name.
        children: the child table's learned columns.
        schema: of these.
        family: the parents of its rows.
        parents: rows of the parent table.
        like: whether to say what children are like, beside how many there are.
    """
    held = family >= 0
    count = np.bincount(family[held], minlength=parents)
    name = count_name(relation)
    columns = [ColumnSchema(name, "integer", "int64", decimals=0)]
    arrays = [pa.array(count)]
    found = sorted(_summaries(children, schema, family, parents), key=lambda entry: -entry[0])[:MOST] if like else []
    for _, column, values in found:
        columns.append(ColumnSchema(f"{name}.{column.name}", column.semantic, str(values.type), nullable=True))
        arrays.append(values)
    return Hidden(pa.table(arrays, names=[column.name for column in columns]), tuple(columns))


def _summaries(
    children: pa.Table, schema: TableSchema, family: Places, parents: int
) -> Sequence[tuple[float, ColumnSchema, pa.Array]]:
    found = []
    held = family >= 0
    for column in schema.columns:
        values = children[column.name]
        if column.semantic in NUMERIC | TEMPORAL and (numeric := numbers(values)) is not None:
            alike = likeness(ranks(numeric), family)
            if alike > LIKE:
                mean = _mean(numeric, family, parents)
                found.append((alike, ColumnSchema(column.name, "decimal", "double"), pa.array(mean, from_pandas=True)))
        elif column.semantic in {"category", "boolean"}:
            texts = values.cast(pa.string()).combine_chunks()
            levels = pc.unique(texts).drop_null()
            if 1 < len(levels) <= LEVELS:
                code = pc.fill_null(pc.index_in(texts, levels).cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
                usual = int(np.bincount(code[code >= 0]).argmax())
                alike = likeness((code == usual).astype(np.float64), family)
                if alike > LIKE:
                    mode = _mode(code, np.where(held & (code >= 0), family, -1), parents, len(levels))
                    taken = levels.take(pa.array(np.maximum(mode, 0), mask=mode < 0))
                    found.append((alike, ColumnSchema(column.name, "category", "string"), taken))
    return found


def _mean(values: Floats, family: Places, parents: int) -> Floats:
    known = ~np.isnan(values) & (family >= 0)
    count = np.bincount(family[known], minlength=parents)
    total = np.bincount(family[known], values[known], minlength=parents)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan)


def _mode(code: Places, family: Places, parents: int, levels: int) -> Places:
    """The most frequent code of each family; -1 where there is none."""
    known = family >= 0
    table = np.zeros((parents, levels), np.int32)
    np.add.at(table, (family[known], code[known]), 1)
    return np.where(table.sum(1) > 0, table.argmax(1), -1)
