"""A column of few values as a table of its real ones: a code says the value exactly, whatever its type."""

# pyright: reportReturnType=false
# numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError
from lookalike.schema.semantics.buffers import Mask, arrow, is_text, mask_of, one, plain
from lookalike.schema.types import ColumnSchema, arrow_type

Codes = npt.NDArray[np.int32]
MOSTLY = 0.9  # of the rows: where values that enough rows share hold less, the column is a long tail and keeps all


@dataclass(frozen=True, slots=True)
class ValueTable:
    """Values by code: 0 is missing, 1 .. m are `values`.

    Attributes:
        values: different values of the column, the most frequent first or in their order, without null.
    """

    values: pa.Array

    @property
    def size(self) -> int:
        """Codes that occur, the missing one included."""
        return 1 + len(self.values)

    @classmethod
    def learn(cls, column: ColumnSchema, cells: pa.Array | pa.ChunkedArray, *, least: int = 1) -> tuple[Self, Codes]:
        """The table of a column, and the column in it.

        Values that fewer than `least` rows share are forgotten where most rows have others: their rows count as rows of those, as
        often as each of them occurs.

        Args:
            column: may order the values.
            cells: the real column.
            least: rows that must share a value.
        """
        array = without_nan(one(cells))
        if array.null_count == len(array):
            return cls(pa.array([], pa.string() if pa.types.is_null(array.type) else array.type)), np.zeros(
                len(array), np.int32
            )
        encoded = _encoded(array)
        missing = mask_of(encoded)
        codes = plain(encoded.indices.fill_null(0), np.int32)
        counts = np.bincount(codes[~missing], minlength=len(encoded.dictionary))
        names = [str(value) for value in encoded.dictionary.to_pylist()]
        rank = {level: place for place, level in enumerate(column.order)}
        wanted = [rank.get(name, len(rank)) for name in names]
        order = sorted(range(len(names)), key=lambda i: (wanted[i], -counts[i], names[i]))  # the same for every order of rows
        kept = [i for i in order if counts[i] >= least]
        if len(kept) < len(order) and counts[kept].sum() < MOSTLY * counts.sum():
            kept = order
        place = np.zeros(len(names), np.int32)
        place[kept] = np.arange(1, len(kept) + 1, dtype=np.int32)
        out = np.where(missing, 0, place[codes]).astype(np.int32)
        rare = np.flatnonzero((out == 0) & ~missing)
        ends = np.cumsum(counts[kept])
        out[rare] = 1 + np.searchsorted(ends, (np.arange(len(rare)) + 0.5) / max(len(rare), 1) * ends[-1])
        return cls(encoded.dictionary.take(pa.array(kept, pa.int64()))), out

    def codes(self, cells: pa.Array | pa.ChunkedArray, name: str) -> tuple[Codes, Mask]:
        """Another table's column in these codes, and where a value was never seen (coded as missing).

        Raises:
            SchemaError: cells of another type.
        """
        array = one(cells)
        if not len(self.values):
            return np.zeros(len(array), np.int32), np.zeros(len(array), bool)
        if array.type != self.values.type:
            try:
                array = array.cast(self.values.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
                raise SchemaError(
                    what=f"{array.type} cells where {self.values.type} was learned: {exc}", where=name, fix="cast the column"
                ) from exc
        if pa.types.is_nested(array.type):
            known = {str(value): code for code, value in enumerate(self.values.to_pylist(), 1)}
            codes = np.array([known.get(str(cell), 0) for cell in array.to_pylist()], np.int32)
        else:
            codes = plain(pc.add(pc.index_in(array, self.values).fill_null(-1), 1).cast(pa.int32()), np.int32).copy()
        missing = mask_of(array)
        codes[missing] = 0
        return codes, (codes == 0) & ~missing

    def cells(self, codes: Codes, kind: pa.DataType) -> pa.Array:
        """The values of codes, in an Arrow type."""
        if not len(self.values):
            return pa.nulls(len(codes), kind)
        taken = self.values.take(arrow(np.maximum(codes - 1, 0).astype(np.int32), codes == 0))
        return taken if taken.type == kind else taken.cast(kind)

    def dump(self) -> dict[str, Any]:
        """Plain data that `parse` reads back."""
        kind = self.values.type
        if _is_plain(kind):
            return {"type": str(kind), "values": self.values.to_pylist()}
        sink = pa.BufferOutputStream()
        table = pa.table({"values": self.values})
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return {"type": str(kind), "arrow": base64.b85encode(sink.getvalue().to_pybytes()).decode()}

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """The table that `dump` wrote."""
        if "arrow" in data:
            return cls(one(pa.ipc.open_stream(base64.b85decode(data["arrow"])).read_all()["values"]))
        return cls(pa.array(data["values"], pa.null() if data["type"] == "null" else arrow_type(data["type"])))


def _is_plain(kind: pa.DataType) -> bool:
    """Whether JSON holds values of a type exactly."""
    return is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)


def without_nan(array: pa.Array) -> pa.Array:
    """An array with NaN as missing."""
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def _encoded(array: pa.Array) -> pa.DictionaryArray:
    """A dictionary of the values; nested ones are told apart by how Python writes them."""
    if not pa.types.is_nested(array.type):
        return array.dictionary_encode()
    names = pa.array([None if cell is None else str(cell) for cell in array.to_pylist()], pa.string()).dictionary_encode()
    indices = names.indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(np.where(mask_of(names), -1, indices), return_index=True)
    rows = first[1:] if names.null_count else first
    return pa.DictionaryArray.from_arrays(names.indices, array.take(pa.array(rows)))
