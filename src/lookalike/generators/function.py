"""`function`: a column made by the user's own Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field, field_validator

from lookalike.errors import RecipeError
from lookalike.generators.base import Generator
from lookalike.generators.importing import CodePath, load
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.schema.types import arrow_type


class Function(Generator):
    """A column made by a Python function of an installed module or of a file beside the recipe. Runs only with `--allow-code`.

    The function gets the named columns as keyword arguments, a value a row, or with `vectorised` an Arrow array. If it has a
    parameter `rng`, that is a numpy Generator of the row's own (vectorised: `ids`, the row ids, to draw by).

    ```yaml
    risk: {kind: function, path: "clinic:risk", columns: [age, smoker], type: double}
    ```

    Attributes:
        path: `module:name`.
        columns: the columns it gets, in any order.
        vectorised: one call a block of rows instead of one a row.
        type: the column's Arrow type, as int64, double, string, bool, timestamp[us]; empty: from the values, the same for all rows.
        options: more keyword arguments, the same for every row.
    """

    kind: ClassVar[str] = "function"

    path: CodePath
    columns: tuple[str, ...] = ()
    vectorised: bool = False
    type: str = ""
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("type")
    @classmethod
    def _known(cls, text: str) -> str:
        if text:
            try:
                arrow_type(text)
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise ValueError(
                    f"type: {text!r} is no Arrow type; write int64, double, string, bool, date32[day], timestamp[us]"
                ) from exc
        return text

    def needs(self) -> frozenset[str]:
        """The columns named."""
        return frozenset(self.columns)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """What the function returns, of the batch's length."""
        function = load(self.path, ctx)
        where = f"table {ctx.table!r}, column {ctx.column!r}"
        target = arrow_type(self.type) if self.type else None
        try:
            values = self._vectorised(function, batch) if self.vectorised else self._by_row(function, batch, ctx)
        except Exception as exc:
            raise RecipeError(
                what=f"{self.path} failed: {type(exc).__name__}: {exc}", where=where, fix="correct the function"
            ) from exc
        try:
            result = values if isinstance(values, pa.Array) else pa.array(values, target)
            result = result.cast(target) if target is not None else result
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as exc:
            raise RecipeError(
                what=f"{self.path} gave values that fit no column: {exc}", where=where, fix="give `type`"
            ) from exc
        if len(result) != len(batch):
            raise RecipeError(
                what=f"{self.path} gave {len(result)} values for {len(batch)} rows", where=where, fix="return one a row"
            )
        return result

    def _vectorised(self, function: Callable[..., Any], batch: Batch) -> Any:
        extra = {"ids": batch.ids} if "ids" in inspect.signature(function).parameters else {}
        return function(**{name: batch[name] for name in self.columns}, **extra, **self.options)

    def _by_row(self, function: Callable[..., Any], batch: Batch, ctx: Context) -> list[Any]:
        draws = "rng" in inspect.signature(function).parameters
        ids = batch.ids.tolist()
        rows = batch.rows(self.columns)
        return [
            function(**row, **({"rng": ctx.generator(row_id)} if draws else {}), **self.options)
            for row_id, row in zip(ids, rows, strict=True)
        ]
