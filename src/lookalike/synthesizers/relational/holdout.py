"""Which families are learned and which are kept aside: a person stays with all their rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike import rng
from lookalike.schema.holdout import FEWEST
from lookalike.schema.relations import DatasetSchema
from lookalike.synthesizers.relational import graph

Tables = dict[str, pa.Table]


def split(tables: Mapping[str, pa.Table], schema: DatasetSchema, share: float, seed: int) -> tuple[Tables, Tables | None]:
    """Families to learn, and families held out.

    A family is a row of a table that refers to no other, and all rows that are made for it. Tables that are only matched (products,
    countries) stand on both sides whole, as references need them.

    Args:
        tables: name -> rows.
        schema: their relations.
        share: of the families to hold out.
        seed: which ones.

    Returns:
        Two mappings; the second holds the tables that were split, and is None when there are too few families to say anything with those
        held out.
    """
    places = {r.name: graph.places_of(tables[r.child], r, tables[r.parent]) for r in schema.relations}
    links = graph.links(schema, tables, places)
    heads = {links[name].driving.parent for name in tables if links[name].driving is not None}  # type: ignore[union-attr]
    held: dict[str, npt.NDArray[np.bool_] | None] = {}
    split_any = False
    for name in schema.order():
        driving, rows = links[name].driving, tables[name].num_rows
        coins = rng.uniform(rng.key(seed, "holdout", name), np.arange(rows)) < share
        if driving is not None:
            above = held[driving.parent]
            if above is None:  # its parent stands on both sides: the row is a family of its own
                held[name] = coins
            else:
                at = places[driving.name]
                held[name] = np.where(at >= 0, above[np.maximum(at, 0)] if len(above) else coins, coins)
        elif name in schema.lists or (name not in heads and _is_parent(schema, name)) or rows < FEWEST:
            held[name] = None
        else:
            held[name] = coins
        split_any = split_any or held[name] is not None
    if share <= 0 or not split_any:
        return dict(tables), None
    apart = {name: mask for name, mask in held.items() if mask is not None}
    learned = {name: table.filter(pa.array(~apart[name])) if name in apart else table for name, table in tables.items()}
    return learned, {name: table.filter(pa.array(apart[name])) for name, table in tables.items() if name in apart}


def _is_parent(schema: DatasetSchema, name: str) -> bool:
    return any(relation.child != name for relation in schema.children(name))
