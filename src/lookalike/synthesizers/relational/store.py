"""A learned database as a folder: `dataset.json`, one saved model a table, and code lists as Parquet."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lookalike import frames
from lookalike.errors import LookalikeError, SynthesizerError
from lookalike.schema.relations import DatasetSchema
from lookalike.schema.types import TableSchema, arrow_type
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.forest.model import Forest
from lookalike.synthesizers.relational.across import After, Copy, Total
from lookalike.synthesizers.relational.graph import Links
from lookalike.synthesizers.relational.learn import Fitted
from lookalike.synthesizers.relational.matching import KdTree
from lookalike.synthesizers.relational.sequence import SiblingOrder

FORMAT = 1


@dataclass(frozen=True)
class SavedDataset:
    """What a folder holds."""

    spec: dict[str, Any]
    schema: DatasetSchema
    frames: dict[str, frames.FrameKind]
    tables: dict[str, Fitted]
    totals: tuple[Total, ...]


def write(
    folder: Path, spec: Mapping[str, Any], schema: DatasetSchema, kinds: Mapping[str, frames.FrameKind],
    tables: Mapping[str, Fitted], totals: Sequence[Total],
) -> Path:  # fmt: skip
    """Write aside, then rename over the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    body = {
        "format": FORMAT, "spec": spec, "schema": schema.dump(), "totals": [asdict(total) for total in totals],
        "frames": {name: kind.dump() for name, kind in kinds.items()},
        "tables": [_table(aside / f"{number:03d}", name, fitted) for number, (name, fitted) in enumerate(tables.items())],
    }  # fmt: skip
    (aside / "dataset.json").write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    if folder.exists():
        shutil.rmtree(folder)
    return aside.replace(folder)


def _table(folder: Path, name: str, fitted: Fitted) -> dict[str, Any]:
    folder.mkdir()
    for part, model in (("maker", fitted.maker), ("framer", fitted.framer)):
        if model is not None:
            model.save(folder / part)
    for part, rows in (("kept", fitted.kept), ("seen", fitted.seen)):
        if rows is not None:
            pq.write_table(rows, folder / f"{part}.parquet")
    links = fitted.links
    return {
        "name": name, "schema": fitted.schema.dump(), "rows": fitted.rows,
        "arrow": [[field.name, str(field.type)] for field in fitted.arrow],
        "driving": links.driving and links.driving.name,
        "matched": [relation.name for relation in links.matched], "late": [relation.name for relation in links.late],
        "order": fitted.order and asdict(fitted.order), "loose": fitted.loose, "absent": fitted.absent,
        "afters": [asdict(rule) for rule in fitted.afters], "copies": [asdict(rule) for rule in fitted.copies],
        "depths": {key: np.bincount(depth).tolist() for key, depth in fitted.depths.items()},
        "cells": {key: asdict(cells) for key, cells in fitted.cells.items()},
    }  # fmt: skip


def read(folder: Path) -> SavedDataset:
    """The content of a folder.

    Raises:
        SynthesizerError: missing, damaged, or of a newer format.
    """
    try:
        body = orjson.loads((folder / "dataset.json").read_bytes())
        if body["format"] > FORMAT:
            raise SynthesizerError(what=f"the model has format {body['format']}", where=str(folder), fix="upgrade lookalike")
        schema = DatasetSchema.parse(body["schema"])
        tables = {saved["name"]: _fitted(folder / f"{n:03d}", saved, schema) for n, saved in enumerate(body["tables"])}
        totals = tuple(Total(**{**total, "of": tuple(total["of"])}) for total in body["totals"])
        kinds = {
            name: frames.FrameKind.parse(kind, {c.name: c.order for c in schema.tables[name].columns})
            for name, kind in body["frames"].items()
        }
        return SavedDataset(body["spec"], schema, kinds, tables, totals)
    except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError, pa.ArrowInvalid) as exc:
        if isinstance(exc, LookalikeError):
            raise
        raise SynthesizerError(
            what=f"no readable model: {exc!r}", where=str(folder), fix="name a folder that save() wrote"
        ) from exc


def _fitted(folder: Path, saved: Mapping[str, Any], schema: DatasetSchema) -> Fitted:
    by_name = {relation.name: relation for relation in schema.relations}
    links = Links(
        by_name[saved["driving"]] if saved["driving"] else None,
        tuple(by_name[name] for name in saved["matched"]),
        tuple(by_name[name] for name in saved["late"]),
    )
    rows = {
        part: pq.read_table(folder / f"{part}.parquet") for part in ("kept", "seen") if (folder / f"{part}.parquet").is_file()
    }
    return Fitted(
        schema=TableSchema.parse(saved["schema"]),
        arrow=pa.schema([(name, arrow_type(kind)) for name, kind in saved["arrow"]]),
        rows=saved["rows"],
        links=links,
        kept=rows.get("kept"),
        seen=rows.get("seen"),
        order=_order(saved["order"]),
        afters=tuple(After(**rule) for rule in saved["afters"]),
        copies=tuple(Copy(**rule) for rule in saved["copies"]),
        loose=saved["loose"],
        cells={key: _cells(cells) for key, cells in saved["cells"].items()},
        framer=Forest.load(folder / "framer") if (folder / "framer").is_dir() else None,
        maker=Synthesizer.load(folder / "maker") if (folder / "maker").is_dir() else None,
        depths={key: np.repeat(np.arange(len(counts)), counts) for key, counts in saved["depths"].items()},
        absent=dict(saved["absent"]),
    )


def _order(saved: Mapping[str, Any] | None) -> SiblingOrder | None:
    if saved is None:
        return None
    return SiblingOrder(**{**saved, "after": After(**saved["after"]) if saved["after"] else None})


def _cells(saved: Mapping[str, Any]) -> KdTree:
    levels = tuple(None if known is None else tuple(known) for known in saved["levels"])
    return KdTree(
        tuple(saved["names"]), levels, np.array(saved["feature"], np.int64), np.array(saved["cut"], np.float64),
        np.array(saved["left"], np.int64),
    )  # fmt: skip
