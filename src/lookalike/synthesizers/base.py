"""The contract of synthesizers: learn a table, sample it. scikit-learn's conventions: the constructor only stores.

A saved model is a folder: `model.json` (kind, format, fields, schema, small state) and `arrays.arrow` (named numeric arrays,
Arrow IPC). Nothing in it is executed on loading.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import PrivateAttr

from lookalike import frames
from lookalike.errors import NotFitted, SynthesizerError
from lookalike.kernels.blas import one_thread
from lookalike.registry import resolve
from lookalike.schema.semantics.table import ValueTable
from lookalike.schema.types import TableSchema, Told
from lookalike.spec import Spec
from lookalike.store import reading
from lookalike.synthesizers import archive
from lookalike.synthesizers.series import BLOCK, Series, Stretch

K = 5  # rows that share a value before a model keeps it
Given = Mapping[str, Any]
"""Conditions: column -> a value, a list of values, {"min": a, "max": b}, or {"shares": {value: share}};
"where" -> an SQL condition."""


FIRST = 256  # rows of the first block
FIRST_GIVEN = 16  # and under conditions, each row of which may take a thousand draws


class Synthesizer(Spec):
    """A model that learns from a table.

    Subclasses implement `_fit`, `_sample`, `_state` and `_restore` on Arrow tables; frames of pandas and polars are converted
    here, once, and `sample` gives back the kind of frame that `fit` was given. Drawn rows are one series: row i is the same
    whether one, a thousand or a million rows are drawn, in one call or in many.
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

    def fit(self, table: Any, schema: Told | None = None, *, seed: int = 0, budget_s: float | None = None) -> Self:
        """Learn a table.

        Args:
            table: pandas, polars or Arrow; any column types that `lookalike.schema.infer` knows.
            schema: semantic types, or a file that corrects the inferred ones; inferred when not given.
            seed: the same table and seed give the same model for every thread count.
            budget_s: seconds that the fit may take; methods that can, improve until then.

        Raises:
            SchemaError: empty or duplicate columns, or cells that no type fits.
            SynthesizerError: no row at all.
        """
        from lookalike.schema.described import described  # late: yaml and patterns are needed by no saved model

        arrow = frames.to_arrow(table)
        if arrow.num_rows == 0 or arrow.num_columns == 0:
            raise SynthesizerError(what="the table has no rows or no columns", fix="give at least one row and one column")
        learned = described(arrow, schema)
        with one_thread():
            self._fit(arrow, learned, seed, budget_s)
        self._frame, self._schema = (
            frames.frame_kind(table),
            _kept(learned, arrow),
        )  # last: an interrupted fit leaves the old model whole
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
        stop, _ = self._asked(n, given)
        return self.rows(0, stop, given=given, seed=seed, of=stop)

    def rows(self, start: int, stop: int, *, given: Given | None = None, seed: int = 0, of: int | None = None) -> pa.Table:
        """Rows `start` to `stop` of the series that `sample` begins, as an Arrow table: a function of model, conditions, seed and place.

        Args:
            start: the first row.
            stop: the one after the last.
            given: as for `sample`.
            seed: as for `sample`.
            of: rows of which these are a part: shares of values, which speak of all rows together, hold in so many.
        """
        with one_thread():
            return self.series(given=given, seed=seed, of=of).rows(start, stop)

    def series(self, *, given: Given | None = None, seed: int = 0, of: int | None = None) -> Series:
        """All rows under some conditions and a seed; keep it where rows are taken a few at a time. Arguments as for `rows`."""
        _, asked = self._asked(0, given)
        first = self._first(asked, of or BLOCK)
        return Series(lambda stretch: self._whole(stretch, asked), seed, first=first, threads=self._threads())

    def _whole(self, stretch: Stretch, given: dict[str, Any]) -> pa.Table:
        return self._filled(stretch, self._sample(stretch, self.schema_, given), given)

    def _filled(self, stretch: Stretch, drawn: pa.Table, given: Collection[str] = ()) -> pa.Table:
        """Drawn rows with all columns: those that are not learned are made anew, but for conditions on them."""
        columns = {}
        for column in self.schema_.columns:
            profile = self._profile(column.name)
            made = profile is not None and (column.unique or column.name not in drawn.column_names)
            columns[column.name] = (
                stretch.anew(column, profile or {}) if made and column.name not in given else drawn[column.name]
            )
        for name in [name for name in columns if name not in given]:  # in order: the first of a group says where it is missing
            for other in (self._profile(name) or {}).get("gaps", ()):  # columns that it is missing with
                nothing = pa.scalar(None, columns[name].type)
                columns[name] = pc.if_else(columns[other].is_null(), nothing, columns[name])
        return pa.table(columns)

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
        """Draw `n` rows and give them a few at a time: the memory does not grow with `n`.

        Args:
            n: rows in all.
            rows: rows in a batch.
            given: as for `sample`.
            seed: the same rows again.
        """
        count, _ = self._asked(n, given)
        series = self.series(given=given, seed=seed, of=count)
        yield from (series.rows(start, min(start + rows, count)) for start in range(0, max(count, 1), rows))

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
    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:
        """Draw the rows of a stretch, `len(stretch)` of them, with keys of `stretch.key`: the columns that are learned, in Arrow type."""

    def _profile(self, name: str) -> dict[str, Any] | None:  # noqa: ARG002  # the question's subject
        """What new values of a column are made from; None: the column is learned."""
        return None

    def _first(self, given: dict[str, Any], whole: int) -> int:
        """Rows that are drawn first: few, or the whole where rows under these conditions hang on each other."""
        if any(isinstance(wanted, Mapping) and "shares" in wanted for wanted in given.values()):
            return whole
        return FIRST_GIVEN if given else FIRST

    def _threads(self) -> int:
        """Threads that may draw at once; 0: one for each core."""
        return 1

    @abstractmethod
    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Small JSON state, and named arrays."""

    @abstractmethod
    def _restore(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Take back what `_state` gave."""


def _kept(schema: TableSchema, table: pa.Table) -> TableSchema:
    """The schema without levels in its orders that no method learns, as too few rows share them."""
    columns = [
        replace(column, order=tuple(map(str, ValueTable.learn(column, table[column.name], least=K)[0].values.to_pylist())))
        if column.order
        else column
        for column in schema.columns
    ]
    return replace(schema, columns=tuple(columns))


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
