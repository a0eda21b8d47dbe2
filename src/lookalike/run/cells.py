"""One cell that takes model calls: walk its conversation, from the journal as far as that goes, then by asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from lookalike import rng
from lookalike.errors import LookalikeError, ModelError, RunError
from lookalike.generators.base import ModelColumn
from lookalike.models.base import CallFailed, Reply, Request
from lookalike.rows.batch import Row
from lookalike.rows.context import Context
from lookalike.rows.json_types import cells
from lookalike.run.journal import Entry, PartJournal


class Asker(Protocol):
    """The lanes, as a cell sees them."""

    def ask(self, request: Request, *, ahead: bool = False) -> Awaitable[Reply]:
        """A reply, after limits, retries and the budget; `ahead` of requests that begin a record."""
        ...


class CellFailed(Exception):  # a value of the run, not an error of ours
    """A cell that cannot be made; the row is kept in the failures with this reason."""

    def __init__(self, column: str, reason: str) -> None:
        self.column, self.reason = column, reason
        super().__init__(f"{column}: {reason}")


@dataclass(frozen=True)
class CellMaker:
    """Makes the cells of one model column.

    Attributes:
        watch: called with each new entry and the request it answers, for previews.
        retry: a cell whose journalled replies end in a failure is asked again.
        ahead: its requests go before those that begin a row; so do all but the first of any cell.
    """

    name: str
    spec: ModelColumn
    ctx: Context
    fingerprint: str
    lanes: Asker
    watch: Callable[[Entry, Request], None] = field(default=lambda entry, request: None)
    retry: bool = False
    ahead: bool = False

    def knows(self, row: Row, journal: PartJournal) -> bool:
        """Whether the cell's first call is answered already."""
        return journal.recall(self.fingerprint, row["_id"], 0) is not None

    def make(self, row: Row, journal: PartJournal) -> Awaitable[Any]:
        """The cell's value.

        Raises:
            CellFailed: the conversation ended without a value.
            BudgetSpent: the budget is used up; nothing was asked.
            ModelError: the lane is closed for all.
        """
        return self._retry(row, journal) if self.retry else self._try(row, journal)

    async def _retry(self, row: Row, journal: PartJournal) -> Any:
        """The cell's value; where what the journal knows of it ends in a failure, it is asked again."""
        known = journal.calls(self.fingerprint, row["_id"])
        try:
            return await self._try(row, journal)
        except CellFailed:
            if not known or journal.calls(self.fingerprint, row["_id"]) > known:
                raise  # it failed just now
        journal.forget(self.fingerprint, row["_id"])
        return await self._try(row, journal)

    async def _try(self, row: Row, journal: PartJournal) -> Any:
        try:
            cell = await self._walk(row, journal)
            self._held(cell)  # a number that its type cannot hold fails here, alone, and not with its whole part
        except CallFailed as exc:
            raise CellFailed(self.name, str(exc)) from exc
        except (ModelError, RunError):
            raise
        except LookalikeError as exc:
            raise CellFailed(self.name, str(exc)) from exc
        except (ValueError, TypeError, KeyError, ArithmeticError, AttributeError, LookupError) as exc:
            # a plugin's bug on one row must not cost the others
            raise CellFailed(self.name, f"{type(exc).__name__}: {exc}") from exc
        return cell

    @cached_property
    def _held(self) -> Callable[[Any], Any]:
        return cells(self.spec.arrow_type())

    async def _walk(self, row: Row, journal: PartJournal) -> Any:
        conversation = self.spec.converse(row, self.ctx)
        call = 0
        try:
            request = next(conversation)
            while True:
                entry = journal.recall(self.fingerprint, row["_id"], call) or await self._ask(
                    request, row["_id"], call, journal
                )
                call += 1
                if entry.reply is None:
                    request = conversation.throw(CallFailed(entry.failure))
                else:
                    request = conversation.send(entry.reply)
        except StopIteration as done:
            return done.value
        finally:
            conversation.close()

    async def _ask(self, request: Request, row: int, call: int, journal: PartJournal) -> Entry:
        if request.seed is None:
            begun = journal.begun.get((self.fingerprint, row), 0)  # a cell begun anew must not get the same answers again
            key = rng.key(self.ctx.key, "again", begun) if begun else self.ctx.key
            request = replace(request, seed=rng.cell(key, row, call))
        try:
            reply = await self.lanes.ask(request, ahead=self.ahead or call > 0)
            entry = Entry(self.name, row, call, request.model, reply)
        except CallFailed as exc:
            entry = Entry(self.name, row, call, request.model, None, str(exc))
        journal.add(self.fingerprint, entry)
        self.watch(entry, request)
        return entry
