"""Read data frames that a package ships as pickles, without executing them.

Only the dozen constructors that a plain pandas frame needs are known, and those of pandas are stand-ins of ours that keep the
arrays; any other name in the file is an error. The file's hash is checked before this.
"""

from __future__ import annotations

import io
import lzma
import pickle
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike.errors import SourceError


class _State:
    """Stands in for an object whose state alone matters."""

    state: Any = None

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(_State):
    pass


class _Manager(_State):
    pass


class _Index:
    pass


class _RangeIndex:
    pass


def _block(values: Any, placement: Any, ndim: int) -> tuple[Any, Any, int]:
    return values, placement, ndim


def _new_index(cls: type, data: dict[str, Any]) -> Any:
    return data.get("data") if cls is _Index else range(data["start"], data["stop"], data["step"])


def _numpy(*path: str) -> Any:
    module: Any = np
    for part in path:
        module = getattr(module, part)
    return module


_KNOWN: dict[tuple[str, str], Any] = {
    ("pandas.core.frame", "DataFrame"): _Frame,
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    ("pandas._libs.internals", "_unpickle_block"): _block,
    ("pandas.core.indexes.base", "_new_Index"): _new_index,
    ("pandas.core.indexes.base", "Index"): _Index,
    ("pandas.core.indexes.range", "RangeIndex"): _RangeIndex,
    ("builtins", "slice"): slice,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _numpy("_core", "multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"): _numpy("_core", "numeric", "_frombuffer"),
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The few constructors of plain frames."""
        if (module, name) not in _KNOWN:
            raise SourceError(what=f"the file holds {module}.{name}, which is not read", fix="convert the data to Parquet")
        return _KNOWN[module, name]


def read_xz(data: bytes) -> pa.Table:
    """An xz-compressed pickled frame as Arrow.

    Raises:
        SourceError: it is damaged, or holds anything but plain columns.
    """
    try:
        frame = _Reader(io.BytesIO(lzma.decompress(data))).load()
        manager = frame.state["_mgr"]
        names, blocks = list(manager.parts[1][0]), manager.parts[0]
    except (lzma.LZMAError, pickle.UnpicklingError, AttributeError, KeyError, IndexError, TypeError) as exc:
        raise SourceError(what=f"the data frame cannot be read: {exc}", fix="fetch the package again") from exc
    columns: dict[str, pa.Array] = {}
    for values, placement, _ in blocks:
        places = range(*placement.indices(len(names))) if isinstance(placement, slice) else list(placement)
        for row, place in enumerate(places):
            columns[str(names[place])] = _array(values[row])
    return pa.table({str(name): columns[str(name)] for name in names})


def _array(values: Any) -> pa.Array:
    if values.dtype == object:
        cells = [None if cell is None or cell != cell else cell for cell in values.tolist()]  # noqa: PLR0124  # NaN
        return pa.array(cells)
    return pa.array(values, from_pandas=True)
