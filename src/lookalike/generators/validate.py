"""`validate`: whether a row or a cell holds a rule."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import orjson
import pyarrow as pa
from pydantic import field_validator, model_validator

from lookalike.errors import RecipeError
from lookalike.generators.base import Generator
from lookalike.generators.code_blocks import CHECKS, read_code
from lookalike.generators.importing import CodePath, load
from lookalike.generators.reading import Unfit, parse_json, read_json
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.rows.json_schema import validator
from lookalike.rows.sql import Sql, rows_where, sql_columns

TYPE = pa.struct([("valid", pa.bool_()), ("reason", pa.string())])


class Validate(Generator):
    """Whether a rule holds: a struct {valid, reason}; the reason is null where the rule holds.

    A rule is an SQL condition over the row, a JSON Schema or a language's syntax for one column, or a Python function (with
    `--allow-code`) that gets the columns named and returns true, false, or the reason why not. Use it in `keep: ["ok.valid"]`.

    ```yaml
    ok:     {kind: validate, sql: "discharge > admitted", reason: "left before coming"}
    fits:   {kind: validate, column: coded, json_schema: {type: object, required: [icd10]}}
    parses: {kind: validate, column: query, language: sql}
    sound:  {kind: validate, callable: "clinic:is_sound", columns: [age, diagnosis]}
    ```

    Attributes:
        sql: a condition over the row; null counts as broken.
        json_schema: for `column`, a struct, a list, a plain value, or JSON text.
        language: for `column`: python, sql, json, jsonl, yaml, toml, xml or regex; the text parses.
        callable: `module:name`.
        column: what `json_schema` or `language` looks at.
        columns: what `callable` gets, by keyword.
        reason: what is written where the rule does not hold; empty: worked out.
    """

    kind: ClassVar[str] = "validate"

    sql: Sql | None = None
    json_schema: dict[str, Any] | None = None
    language: str = ""
    callable: CodePath | None = None
    column: str = ""
    columns: tuple[str, ...] = ()
    reason: str = ""

    @field_validator("language")
    @classmethod
    def _known(cls, language: str) -> str:
        if language and language not in CHECKS:
            raise ValueError(f"language: {language!r} cannot be parsed; take one of {', '.join(sorted(CHECKS))}")
        return language

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            try:
                validator(schema)
            except ValueError as exc:
                raise ValueError(f"json_schema is no JSON Schema: {exc}") from exc
        return schema

    @model_validator(mode="after")
    def _check(self) -> Self:
        rules = [name for name in ("sql", "json_schema", "language", "callable") if getattr(self, name) not in (None, "")]
        if len(rules) != 1:
            raise ValueError(f"needs exactly one of sql, json_schema, language, callable; it has {', '.join(rules) or 'none'}")
        if bool(self.column) != (rules[0] in ("json_schema", "language")):
            raise ValueError("`column` goes with json_schema or language, and they need it")
        if self.columns and self.callable is None:
            raise ValueError("`columns` goes with callable")
        return self

    def needs(self) -> frozenset[str]:
        """The columns of the rule."""
        read = sql_columns(self.sql) if self.sql else frozenset()
        return read | frozenset(self.columns) | frozenset({self.column} - {""})

    def inside(self) -> tuple[str, ...]:
        """The verdict and its reason."""
        return ("valid", "reason")

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """struct<valid: bool, reason: string>."""
        if self.sql is not None:
            holds = rows_where(self.sql, batch).tolist()
            reasons = [None if good else f"not {self.sql}" for good in holds]
        elif self.callable is not None:
            reasons = self._called(batch, ctx)
        else:
            reasons = [self._content(value) for value in batch[self.column].to_pylist()]
        if self.reason:
            reasons = [None if reason is None else self.reason for reason in reasons]
        valid = pa.array([reason is None for reason in reasons], pa.bool_())
        return pa.StructArray.from_arrays([valid, pa.array(reasons, pa.string())], names=["valid", "reason"])

    def _content(self, value: Any) -> str | None:
        """Why one cell does not hold the rule, or None."""
        if value is None:
            return "null"
        try:
            if self.language:
                read_code(self.language)(str(value))
            else:
                text = value if isinstance(value, str) and _is_json(value) else orjson.dumps(value, default=str).decode()
                read_json(self.json_schema or {})(text)
        except Unfit as exc:
            return str(exc)
        return None

    def _called(self, batch: Batch, ctx: Context) -> list[str | None]:
        assert self.callable is not None
        function = load(self.callable, ctx)
        found: list[str | None] = []
        for row_id, row in zip(batch.ids.tolist(), batch.rows(self.columns), strict=True):
            try:
                verdict = function(**row)
            except Exception as exc:
                raise RecipeError(
                    what=f"{self.callable} failed on row {row_id}: {type(exc).__name__}: {exc}",
                    where=f"table {ctx.table!r}, column {ctx.column!r}",
                    fix="correct the function",
                ) from exc
            found.append(verdict if isinstance(verdict, str) else None if verdict else f"{self.callable} says no")
        return found


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except Unfit:
        return False
    return True
