"""A saved model: `model.json` and `arrays.arrow` in a folder, read without executing anything."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import pyarrow as pa
from pydantic import BaseModel, Field

from lookalike.errors import SynthesizerError
from lookalike.store import check, linked, read_json, reading

FORMAT = 1


@dataclass(frozen=True)
class Saved:
    """What a model folder holds."""

    spec: dict[str, Any]
    schema: dict[str, Any]
    frame: dict[str, Any]
    meta: dict[str, Any]
    arrays: dict[str, np.ndarray]


class _Any(BaseModel):
    """Any JSON object."""


class _Body(BaseModel):
    """What `model.json` holds."""

    spec: dict[str, Any]
    schema_: dict[str, Any] = Field(alias="schema")
    frame: dict[str, Any] = {}
    meta: dict[str, Any]
    shapes: dict[str, list[Annotated[int, Field(ge=0)]]]


def write(
    folder: Path,
    *,
    spec: Mapping[str, Any],
    schema: Mapping[str, Any],
    frame: Mapping[str, Any],
    meta: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> Path:
    """Write aside, then rename over the folder.

    Raises:
        RunError: the folder is a symbolic link.
    """
    if folder.is_symlink():
        raise linked(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    fields, columns, shapes = [], [], {}
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array).reshape(-1)
        shapes[name] = list(array.shape)
        fields.append(name)
        values = pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [None, pa.py_buffer(flat)])  # without pandas
        columns.append(pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values))
    table = pa.table(dict(zip(fields, columns, strict=True))) if fields else pa.table({"none": pa.array([0])})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(aside / "arrays.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    body = {"format": FORMAT, "spec": spec, "schema": schema, "frame": frame, "meta": meta, "shapes": shapes}
    plain = orjson.loads(orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY))
    body["digest"] = _digest(plain, aside / "arrays.arrow")
    (aside / "model.json").write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    if folder.exists():
        shutil.rmtree(folder)
    aside.replace(folder)
    return folder


def read(folder: Path) -> Saved:
    """The content of a model folder.

    Raises:
        SynthesizerError: missing, damaged, or of a newer format.
    """
    fix = "name a folder that save() wrote"
    body = read_json(folder / "model.json", _Any, fix=fix, error=SynthesizerError)
    if not isinstance(found := body.get("format"), int):
        raise SynthesizerError(what="model.json is no model", where=str(folder), fix=fix)
    if found > FORMAT:
        raise SynthesizerError(
            what=f"the model has format {found}, this version reads up to {FORMAT}", where=str(folder), fix="upgrade lookalike"
        )
    with reading(folder, fix="fit and save it again", error=SynthesizerError):
        if body.pop("digest", None) != _digest(body, folder / "arrays.arrow"):
            raise ValueError("its files are not the ones that were saved")  # one message for all damage
        check(_Body, body)
        with pa.memory_map(str(folder / "arrays.arrow")) as source:
            table = pa.ipc.open_file(source).read_all()
        arrays = {name: _numpy(table[name].chunk(0).values).reshape(shape) for name, shape in body["shapes"].items()}
        return Saved(body["spec"], body["schema"], body.get("frame", {}), body["meta"], arrays)


def _digest(body: Mapping[str, Any], arrays: Path) -> str:
    """Of everything that a model holds, so that a damaged one is never sampled."""
    hashed = hashlib.blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=16)
    hashed.update(arrays.read_bytes())
    return hashed.hexdigest()


def _numpy(values: pa.Array) -> np.ndarray:
    """A primitive array without nulls, without pandas (which `to_numpy` loads)."""
    dtype = np.dtype(values.type.to_pandas_dtype())
    if not len(values):
        return np.empty(0, dtype)
    return np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * dtype.itemsize)
