"""`validate_remote`: whether a service of your own accepts a row."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
import pyarrow as pa
from pydantic import Field

from lookalike.generators.base import Conversation, ModelColumn
from lookalike.generators.validate import TYPE
from lookalike.models.base import CallFailed, Request
from lookalike.rows.batch import Row
from lookalike.rows.context import Context


class ValidateRemote(ModelColumn):
    """Whether a web service accepts the row: a struct {valid, reason}, like that of `validate`.

    The service gets a POST with the columns named, as one JSON object; nothing else of the row leaves the machine. It answers
    `true`, `false`, or `{"valid": false, "reason": "..."}`. It is asked through a lane, so its verdicts are journalled.

    ```yaml
    # models: {rules: {kind: http, url: "http://localhost:9000/check"}}
    ok: {kind: validate_remote, model: rules, columns: [age, diagnosis]}     # then: keep: ["ok.valid"]
    ```

    Attributes:
        model: a name under `models:` of the kind `http`.
        columns: what is sent.
        reason: what is written where the row is not valid and the service gives no reason.
    """

    kind: ClassVar[str] = "validate_remote"

    model: str
    columns: tuple[str, ...] = Field(min_length=1)
    reason: str = "the service says no"

    def needs(self) -> frozenset[str]:
        """The columns sent."""
        return frozenset(self.columns)

    def models(self) -> frozenset[str]:
        """The service."""
        return frozenset({self.model})

    def arrow_type(self) -> pa.DataType:
        """struct<valid: bool, reason: string>."""
        return TYPE

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """One call; what is no verdict fails the cell."""
        body = orjson.dumps({name: row[name] for name in self.columns}, default=str, option=orjson.OPT_UTC_Z)
        reply = yield Request(self.model, operation="complete", text=body.decode())
        found = orjson.loads(reply.text)
        valid = found.get("valid") if isinstance(found, dict) else found
        if not isinstance(valid, bool):
            raise CallFailed(
                what=f"{self.model} answered {reply.text[:80]}, which is no verdict",
                where=f"table {ctx.table!r}, column {ctx.column!r}",
                fix='let it answer true, false or {"valid": false, "reason": "..."}',
            )
        return {"valid": valid, "reason": None if valid else self._reason(found)}

    def _reason(self, found: Any) -> str:
        reason = found.get("reason") if isinstance(found, dict) else None
        return reason if isinstance(reason, str) and reason else self.reason

    def expected_tokens(self) -> tuple[int, int]:
        """None: it is no language model."""
        return 0, 0
