"""A trained forest as plain data and arrays, and back to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy.typing as npt

from lookalike.learners.oblivious import DEPTH
from lookalike.schema.identities import Identity
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import encoding
from lookalike.synthesizers.encoding import ColumnCodes
from lookalike.synthesizers.forest import keeping
from lookalike.synthesizers.forest.trained import Bag, Partner, Thinner, Trained

Array = npt.NDArray[Any]
BAG_PARTS = ("feats", "nodes", "start", "size", "deck", "roots", "slots", "luts", "table")
PARTNER_PARTS = ("start", "codes", "rows")
THINNER_PARTS = ("feats", "cuts", "values", "shares", "prints")


def state(codings: Sequence[ColumnCodes], learned: Sequence[int], model: Trained) -> tuple[dict[str, Any], dict[str, Array]]:
    """Plain data and named arrays."""
    arrays: dict[str, Array] = {}
    columns = []
    for i, coding in enumerate(codings):
        meta, parts = encoding.dump(coding)
        columns.append(meta)
        arrays |= {f"{i}.{name}": part for name, part in parts.items()}
    for j, bins in enumerate(model.bin_of):
        arrays[f"bin_of.{j}"] = bins
    for place, bag in enumerate(model.bags):
        arrays |= {f"bag.{place}.{name}": getattr(bag, name) for name in BAG_PARTS}
        arrays |= {f"bag.{place}.partner.{name}": getattr(bag.partner, name) for name in PARTNER_PARTS}
    arrays |= {f"thinner.{name}": getattr(model.thinner, name) for name in THINNER_PARTS}
    meta = {
        "columns": columns, "learned": list(learned), "rows": model.rows, "oversample": model.oversample,
        "bags": [[bag.column, bag.source, bag.partner.column, bag.partner.spared] for bag in model.bags], "rules": [list(rule) for rule in model.rules],
        "worked_out": [[j, asdict(found)] for j, found in model.worked_out.items()],
        "copy_rate": model.thinner.copy_rate, "salt": model.thinner.salt, "given": list(model.given),
        "kept": keeping.dump(model.kept),
    }  # fmt: skip
    return meta, arrays


def restore(
    schema: TableSchema, meta: Mapping[str, Any], arrays: Mapping[str, Array]
) -> tuple[list[ColumnCodes], list[int], Trained]:
    """What `state` wrote."""
    codings = []
    for i, column in enumerate(schema.columns):
        parts = {name: arrays[f"{i}.{name}"] for name in ("low", "high", "power") if f"{i}.{name}" in arrays}
        codings.append(encoding.parse(column, meta["columns"][i], parts))
    learned = [int(i) for i in meta["learned"]]
    bags = []
    for place, (column, source, partner, spared) in enumerate(meta["bags"]):
        parts = {name: arrays[f"bag.{place}.{name}"] for name in BAG_PARTS}
        found = {name: arrays[f"bag.{place}.partner.{name}"] for name in PARTNER_PARTS}
        pair = Partner(column=int(partner), spared=spared, **found)
        bags.append(Bag(column=int(column), source=int(source), partner=pair, **parts))
    thinner = Thinner(
        **{name: arrays[f"thinner.{name}"] for name in THINNER_PARTS}, copy_rate=meta["copy_rate"], salt=meta["salt"]
    )
    if thinner.feats.shape[1:] != (DEPTH,):
        raise ValueError(f"a discriminator of {thinner.feats.shape} cuts; this version reads {DEPTH} a tree")
    bin_of = [arrays[f"bin_of.{j}"] for j in range(len(learned))]
    rules = [(int(a), int(b)) for a, b in meta["rules"]]
    worked_out = {int(j): Identity.parse(found) for j, found in meta["worked_out"]}
    model = Trained(
        [codings[i] for i in learned],
        bin_of,
        bags,
        thinner,
        rules,
        meta["rows"],
        worked_out,
        meta["oversample"],
        tuple(meta.get("given", ())),
        keeping.parse(meta.get("kept", ())),
    )
    return codings, learned, model
