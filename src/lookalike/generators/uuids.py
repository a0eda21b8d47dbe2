"""`uuid`: identifiers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

_HEX = np.frombuffer("".join(f"{value:02x}" for value in range(256)).encode(), np.uint8).reshape(256, 2)
_PLACES = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])


def strings(characters: npt.NDArray[np.uint8]) -> pa.Array:
    """Arrow strings of a matrix of ASCII codes, uint8 [n, width], without a Python object a row."""
    count, width = characters.shape
    kind = pa.string() if count * width < 2**31 else pa.large_string()
    offsets = np.arange(count + 1, dtype=np.int32 if kind == pa.string() else np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    return pa.Array.from_buffers(kind, count, buffers)


class Uuid(Generator):
    """A version 4 UUID in text form, from the row's own random bits: unique for all practical counts, the same on every run.

    ```yaml
    patient_id: {kind: uuid}
    ```
    """

    kind: ClassVar[str] = "uuid"

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """string, 36 characters."""
        halves = np.stack([ctx.bits(batch.ids, 0), ctx.bits(batch.ids, 1)], axis=1)
        octets = halves.astype("<u8").view(np.uint8).reshape(-1, 16).copy()
        octets[:, 6] = octets[:, 6] & 0x0F | 0x40  # version 4
        octets[:, 8] = octets[:, 8] & 0x3F | 0x80  # RFC 9562 variant
        text = np.full((len(batch), 36), ord("-"), np.uint8)
        text[:, _PLACES] = _HEX[octets].reshape(-1, 32)
        return strings(text)
