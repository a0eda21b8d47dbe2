"""Balancing and augmenting a real table: rows of rare classes, noise, mixtures.

The real rows stay, in their order, and come first; new rows follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import frames, rng
from lookalike.errors import SynthesizerError, UnknownColumn, Unsatisfiable, did_you_mean
from lookalike.registry import resolve
from lookalike.schema.infer import infer
from lookalike.schema.types import TableSchema, arrow_type
from lookalike.synthesizers import anonymise, features
from lookalike.synthesizers.base import Synthesizer


def balance(
    frame: Any,
    column: str,
    *,
    shares: Mapping[Any, float] | None = None,
    method: str | Synthesizer = "forest",
    seed: int = 0,
    schema: TableSchema | None = None,
) -> Any:
    """Add rows until the classes of a column have the wanted shares; no real row is dropped.

    Args:
        frame: pandas, polars or Arrow.
        column: the class column.
        shares: class -> share, summing to 1; all classes alike when not given.
        method: the kind of a synthesizer ("smote" for interpolation, "forest", "cart" ...) or one with its settings.
        seed: the same seed adds the same rows.
        schema: semantic types; inferred when not given.

    Raises:
        UnknownColumn: no such column.
        Unsatisfiable: a wanted class that the table does not have, or a share of 0 for one that it has.
        SynthesizerError: shares that do not sum to 1.
    """
    table = frames.to_arrow(frame)
    if column not in table.column_names:
        raise UnknownColumn(what=f"no column {column!r}", fix=did_you_mean(column, table.column_names, label="columns"))
    schema = schema or infer(table)
    counted = pc.value_counts(table[column].combine_chunks().drop_null())
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    wanted = dict(shares) if shares is not None else dict.fromkeys(counts, 1 / max(1, len(counts)))
    missing = _missing(counts, wanted, column)
    model = resolve("synthesizer", method)() if isinstance(method, str) else method
    model.fit(table, schema, seed=seed)
    parts = [_decoded(table)]
    for number, (value, rows) in enumerate(missing.items()):
        if rows:
            parts.append(model.sample_arrow(rows, given={column: value}, seed=seed + number).cast(parts[0].schema))
    return frames.from_arrow(pa.concat_tables(parts), frames.frame_kind(frame))


def _decoded(table: pa.Table) -> pa.Table:
    """Dictionaries as their values: what samples come back as."""
    kinds = [pa.field(f.name, arrow_type(str(f.type)) if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(kinds))


def _missing(counts: Mapping[Any, int], wanted: Mapping[Any, float], column: str) -> dict[Any, int]:
    """Rows that each class lacks when the scarcest of all keeps every real row."""
    if abs(sum(wanted.values()) - 1) > 1e-6:
        raise SynthesizerError(what=f"shares sum to {sum(wanted.values()):g}", where=column, fix="make them sum to 1")
    for value in wanted:
        if value not in counts:
            raise Unsatisfiable(what=f"{value!r} was never seen", where=column, fix=did_you_mean(str(value), map(str, counts)))
    left_out = [value for value in counts if wanted.get(value, 0.0) <= 0]
    if left_out:
        raise Unsatisfiable(
            what=f"classes {left_out} have rows but no share", where=column, fix="give them a share, or drop the rows"
        )
    total = max(counts[value] / share for value, share in wanted.items())
    return {value: max(0, round(total * share) - counts[value]) for value, share in wanted.items()}


def noise(frame: Any, *, scale: float = 0.05, flip: float = 0.0, seed: int = 0, schema: TableSchema | None = None) -> Any:
    """The table with noise: numbers move by `scale` of their spread, categories change with chance `flip`.

    Numbers stay on their grid and in their range; identifiers, texts and gaps stay as they are.

    Args:
        frame: pandas, polars or Arrow.
        scale: standard deviation of the noise in those of the column, at least 0.
        flip: chance that a category is drawn again from its column.
        seed: the same seed makes the same noise.
        schema: semantic types; inferred when not given.
    """
    table = frames.to_arrow(frame)
    schema = schema or infer(table)
    learned, data = features.learn(table, schema)
    out = _decoded(table)
    for feature in learned:
        draws = rng.generator(seed, "noise", feature.name)
        values = data[feature.name]
        if feature.is_number:
            spread = float(np.nanstd(values)) if not np.isnan(values).all() else 0.0
            made = values + scale * spread * draws.standard_normal(len(values))
        else:
            again = draws.permutation(values)
            change = (
                (draws.random(len(values)) < flip) & (values < len(feature.levels or ())) & (again < len(feature.levels or ()))
            )
            made = np.where(change, again, values)
        place = out.column_names.index(feature.name)
        out = out.set_column(place, feature.name, features.decode(feature, schema[feature.name], made))
    return frames.from_arrow(out, frames.frame_kind(frame), rows_of=frame)


def mixup(frame: Any, n: int, *, alpha: float = 0.4, seed: int = 0, schema: TableSchema | None = None) -> Any:
    """`n` new rows, each a mixture of two random real ones.

    Numbers are mixed in parts lambda and 1 - lambda, lambda from Beta(alpha, alpha); a category comes from the first row with
    chance lambda. Identifiers and texts are replaced.

    Args:
        frame: pandas, polars or Arrow.
        n: rows.
        alpha: small values stay near real rows.
        seed: the same seed makes the same rows.
        schema: semantic types; inferred when not given.

    Source:
        Zhang et al. 2018, "mixup: beyond empirical risk minimization".
    """
    if n < 0 or alpha <= 0:
        raise SynthesizerError(what=f"n is {n} and alpha {alpha}", fix="n is 0 or more, alpha above 0")
    table = frames.to_arrow(frame)
    schema = schema or infer(table)
    learned, data = features.learn(table, schema)
    draws = rng.generator(seed, "mixup")
    a, b = draws.integers(0, table.num_rows, (2, n))
    part = draws.beta(alpha, alpha, n)
    known = {feature.name: feature for feature in learned}
    arrays = []
    for column in schema.columns:
        if column.name not in known:
            arrays.append(anonymise.replacements(column, n, seed, like=table[column.name]))
            continue
        values = data[column.name]
        chosen = np.where(draws.random(n) < part, values[a], values[b])
        if known[column.name].is_number:
            between = part * values[a] + (1 - part) * values[b]
            chosen = np.where(np.isnan(between), chosen, between)
        arrays.append(features.decode(known[column.name], column, chosen))
    return frames.from_arrow(pa.table(arrays, names=list(schema.names)), frames.frame_kind(frame))
