"""The contract of synthesizers: learn a table, sample it. scikit-learn's conventions: the constructor only stores.

A saved model is a folder: `model.json` (kind, format, fields, schema, small state) and `arrays.arrow` (named numeric arrays,
Arrow IPC). Nothing in it is executed on loading.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pydantic import PrivateAttr

from lookalike import frames
from lookalike.errors import NotFitted, SynthesizerError
from lookalike.kernels.blas import one_thread
from lookalike.registry import resolve
from lookalike.schema.types import TableSchema
from lookalike.spec import Spec
from lookalike.store import reading
from lookalike.synthesizers import archive

Given = Mapping[str, Any]
"""Conditions: column -> a value, a list of values, {"min": a, "max": b}, or {"shares": {value: share}};
"where" -> an SQL condition."""


class Synthesizer(Spec):
    """A model that learns from a table.

    Subclasses implement `_fit`, `_sample`, `_state` and `_restore` on Arrow tables; frames of pandas and polars are converted
    here, once, and `sample` gives back the kind of frame that `fit` was given.
    """

    group: ClassVar[str] = "synthesizer"

    _schema: TableSchema | None = PrivateAttr(default=None)
    _frame: frames.FrameKind = PrivateAttr(default=frames.FrameKind())

    @property
    def schema_(self) -> TableSchema:
        """The schema that was learned.

        Raises:
            NotFitted: before `fit`.
        """
        if self._schema is None:
            raise NotFitted(what=f"this {type(self).__name__} has learned nothing", fix="call fit(table) first")
        return self._schema

    def fit(self, table: Any, schema: TableSchema | None = None, *, seed: int = 0, budget_s: float | None = None) -> Self:
        """Learn a table.

        Args:
            table: pandas, polars or Arrow; any column types that `lookalike.schema.infer` knows.
            schema: semantic types; inferred when not given.
            seed: the same table and seed give the same model for every thread count.
            budget_s: seconds that the fit may take; methods that can, improve until then.

        Raises:
            SchemaError: empty or duplicate columns, or cells that no type fits.
            SynthesizerError: no row at all.
        """
        from lookalike.schema.infer import infer  # late: inference reads samples with duckdb

        arrow = frames.to_arrow(table)
        if arrow.num_rows == 0 or arrow.num_columns == 0:
            raise SynthesizerError(what="the table has no rows or no columns", fix="give at least one row and one column")
        learned = schema or infer(arrow)
        with one_thread():
            self._fit(arrow, learned, seed, budget_s)
        self._frame, self._schema = frames.frame_kind(table), learned  # last: an interrupted fit leaves the old model whole
        return self

    def sample(self, n: int, *, given: Given | None = None, seed: int = 0) -> Any:  # the frame of fit
        """Draw `n` rows, in the kind of frame that was fitted.

        Args:
            n: rows, at least 0.
            given: conditions that every row holds; see `Given`.
            seed: the same model and seed give the same rows.

        Raises:
            NotFitted: before `fit`.
            Unsatisfiable: no row can hold the condition.
            UnknownColumn: a condition on a column that was not learned.
        """
        return frames.from_arrow(self.sample_arrow(n, given=given, seed=seed), self._frame)

    def sample_arrow(self, n: int, *, given: Given | None = None, seed: int = 0) -> pa.Table:
        """`sample` as an Arrow table, whatever was fitted."""
        schema = self.schema_
        rows, asked = self._asked(n, given)
        with one_thread():
            return self._sample(rows, schema, asked, seed)

    def _asked(self, n: Any, given: Given | None) -> tuple[int, dict[str, Any]]:
        """Rows and conditions as the methods read them."""
        rows: Any = n
        if isinstance(rows, float) and rows.is_integer():
            rows = int(rows)  # 1e6 is how people write it
        if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 0:
            raise SynthesizerError(what=f"n is {n!r}", fix="ask for a whole number of rows, 0 or more")
        if given is not None and not isinstance(given, Mapping):
            raise SynthesizerError(
                what=f"conditions are {type(given).__name__}, not a mapping", where="given",
                fix="write {column: value}, or {'where': 'an SQL condition'}",
            )  # fmt: skip
        return int(rows), _conditions(given or {}, self.schema_)

    def sample_batches(self, n: int, rows: int = 65_536, *, given: Given | None = None, seed: int = 0) -> Iterator[pa.Table]:
        """Draw `n` rows and give them a few at a time; methods that can (`forest`) hold no more than these.

        Args:
            n: rows in all.
            rows: rows in a batch.
            given: as for `sample`.
            seed: the same rows again.
        """
        table = self.sample_arrow(n, given=given, seed=seed)
        yield from (table.slice(start, rows) for start in range(0, max(table.num_rows, 1), rows))

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder; written aside and renamed.

        Raises:
            NotFitted: before `fit`.
        """
        meta, arrays = self._state()
        return archive.write(
            Path(folder), spec=self.dump(), schema=self.schema_.dump(), frame=self._frame.dump(), meta=meta, arrays=arrays
        )

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The model that `save` wrote, to the bit; runs no code from the folder.

        Raises:
            SynthesizerError: the folder is missing, damaged, or of a newer version.
        """
        saved = archive.read(Path(folder))
        body = dict(saved.spec)
        with reading(Path(folder), fix="fit and save it again", error=SynthesizerError):
            model = resolve("synthesizer", str(body.pop("kind"))).model_validate(body)  # type: ignore[attr-defined]
            if not isinstance(model, cls):
                raise SynthesizerError(what=f"{folder} holds a {type(model).__name__}, not a {cls.__name__}")
            model._schema = TableSchema.parse(saved.schema)  # noqa: SLF001  # this class's own constructor
            model._frame = frames.FrameKind.parse(saved.frame, {column.name: column.order for column in model._schema.columns})  # noqa: SLF001  # likewise
            model._restore(saved.meta, saved.arrays)  # noqa: SLF001  # likewise
        return model

    @abstractmethod
    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        """Learn; set private attributes only when done, so that an interrupted fit leaves the old model."""

    @abstractmethod
    def _sample(self, n: int, schema: TableSchema, given: dict[str, Any], seed: int) -> pa.Table:
        """Draw rows with the schema's columns, in order and Arrow type."""

    @abstractmethod
    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Small JSON state, and named arrays."""

    @abstractmethod
    def _restore(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Take back what `_state` gave."""


def _conditions(given: Given, schema: TableSchema) -> dict[str, Any]:
    """Conditions by name as text, and moments without an offset read in their column's own time zone, as its frame shows them."""
    named = {str(name): wanted for name, wanted in given.items()}
    for name in named.keys() & set(schema.names):
        zone = schema[name].arrow.rpartition("tz=")[2].rstrip("]") if "tz=" in schema[name].arrow else ""
        if zone:
            named[name] = _in_zone(named[name], zone)
    return named


def _in_zone(wanted: Any, zone: str) -> Any:
    if isinstance(wanted, Mapping):
        return {key: value if key == "shares" else _in_zone(value, zone) for key, value in wanted.items()}
    if isinstance(wanted, (list, tuple)):
        return [_in_zone(value, zone) for value in wanted]
    if isinstance(wanted, str):
        try:
            moment = datetime.fromisoformat(wanted)
        except ValueError:
            return wanted  # the method says what is wrong with it
        return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return wanted
