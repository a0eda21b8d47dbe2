"""Every reply is written down before it counts.

One line a reply, one `write()` a line, so that a killed process loses only what was in flight; files are synced in groups
(once a second), so that a power cut loses at most that second. Each attempt at a partition appends to a file of its own: a
process that is dead but still writes tears nobody's lines.

    journal/<table>/part-00000/<attempt>.jsonl

A line is keyed by the column's fingerprint, the row and the number of the call within the cell. After an edit of the recipe
the replies of untouched columns are still found, the others are not. A later line for a call takes the place of an earlier
one and of all that followed it in its cell: the conversation was begun anew from there.

Each line carries its checksum. The last line of a file may be torn: that reply was in flight. Any other line that is not whole
was damaged on the disk: it is told, left out, and its reply and those that followed it in its cell are asked for again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lookalike.models.base import Reply, ToolCall, Usage
from lookalike.store import BLANK, STAMP, create, disk_errors, put_bytes, reading, stamped, whole

Key = tuple[str, int, int]  # (column fingerprint, row id, call)
Tell = Callable[[Path, int], None]
"""Told of each damaged line: the file, and the line's number from 1."""
_FIX = "move it out of the run folder: what is missing then is asked for again"
_KEYS = frozenset({"f", "c", "r", "k", "m", "e", "t", "u", "s", "tools", "why", "v", "raw"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one call: its reply, or why there is none."""

    column: str
    row: int
    call: int
    model: str
    reply: Reply | None
    failure: str = ""


def _encode(fingerprint: str, entry: Entry) -> bytes:
    line: dict[str, Any] = {"f": fingerprint, "c": entry.column, "r": entry.row, "k": entry.call, "m": entry.model}
    reply = entry.reply
    if reply is None:
        line["e"], line[STAMP] = entry.failure, BLANK
        return stamped(orjson.dumps(line)) + b"\n"
    usage = reply.usage
    line["t"] = reply.text
    line["u"] = (usage.prompt_tokens, usage.completion_tokens, usage.usd)
    line["s"] = (reply.seed, round(reply.ms, 1), reply.tries, reply.finish, reply.served_by)
    if reply.tool_calls:
        line["tools"] = [(call.id, call.name, call.arguments) for call in reply.tool_calls]
    if reply.reasoning:
        line["why"] = reply.reasoning
    if reply.vector:
        line["v"] = reply.vector
    if reply.verbatim:
        line["raw"] = reply.verbatim
    line[STAMP] = BLANK
    return stamped(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY)) + b"\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal: the entry with its column's fingerprint; None where it is damaged."""

    number: int
    raw: bytes
    fingerprint: str = ""
    entry: Entry | None = None


def lines(path: Path) -> Iterator[Line]:
    """A journal file's lines in order, without the torn last one of a killed run.

    Raises:
        RunError: the file cannot be read.
    """
    with reading(path, fix=_FIX):
        found = path.read_bytes().split(b"\n")
    for number, raw in enumerate(found, 1):
        try:
            line = Line(number, raw, *_decode(raw))
        except (KeyError, TypeError, ValueError):
            if number == len(found) and whole(raw) is None:
                break
            line = Line(number, raw)
        yield line


def _decode(raw: bytes) -> tuple[str, Entry]:
    """A line's fingerprint and entry.

    Raises:
        ValueError, KeyError, TypeError: it is damaged.
    """
    line = orjson.loads(raw)
    if (
        not isinstance(line, dict) or whole(raw) is False or not line.keys() - {STAMP} <= _KEYS
    ):  # lines of the first versions carry no checksum
        raise ValueError("not what was written")
    return line["f"], _entry(line)


def _entry(line: dict[str, Any]) -> Entry:
    if "e" in line:
        return Entry(line["c"], line["r"], line["k"], line["m"], None, line["e"])
    prompt, completion, usd = line["u"]
    seed, ms, tries, finish, served_by = line["s"]
    reply = Reply(
        text=line["t"],
        finish=finish,
        usage=Usage(prompt, completion, usd),
        served_by=served_by,
        ms=ms,
        tries=tries,
        seed=seed,
        tool_calls=tuple(ToolCall(*call) for call in line.get("tools", ())),
        reasoning=line.get("why", ""),
        vector=tuple(line.get("v", ())),
        verbatim=line.get("raw", ""),
    )
    return Entry(line["c"], line["r"], line["k"], line["m"], reply)


@dataclass(eq=False)
class PartJournal:
    """The replies of one open partition: read back at the start, appended to while cells are made."""

    folder: Path
    entries: dict[Key, Entry] = field(default_factory=dict)
    begun: dict[tuple[str, int], int] = field(default_factory=dict)  # (fingerprint, row) -> how often the cell was begun anew
    _handle: int | None = None

    @classmethod
    def open(cls, folder: Path, tell: Tell = lambda path, number: None) -> PartJournal:
        """Read all earlier attempts; damaged lines are told once and taken out.

        Raises:
            RunError: a file of it cannot be read.
        """
        journal = cls(folder)
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
            found = list(lines(path))
            damaged = [line.number for line in found if line.entry is None]
            for line in found:
                if line.entry is not None:
                    journal._keep(line.fingerprint, line.entry)
            for number in damaged:
                tell(path, number)
            if damaged:
                put_bytes(path, b"".join(line.raw + b"\n" for line in found if line.entry is not None))
        return journal

    def _keep(self, fingerprint: str, entry: Entry) -> None:
        """Put an entry in its place; what followed an earlier one of the same call is gone."""
        known = self.entries.get((fingerprint, entry.row, entry.call))
        if known is not None:
            if entry.call == 0 and known.reply is not None:
                self.begun[fingerprint, entry.row] = self.begun.get((fingerprint, entry.row), 0) + 1
            self._cut(fingerprint, entry.row, entry.call)
        elif entry.call and (fingerprint, entry.row, entry.call - 1) not in self.entries:
            return  # the call before it is lost: the conversation is walked again from there
        self.entries[fingerprint, entry.row, entry.call] = entry

    def _cut(self, fingerprint: str, row: int, call: int) -> None:
        while self.entries.pop((fingerprint, row, call), None) is not None:
            call += 1

    def calls(self, fingerprint: str, row: int) -> int:
        """How many calls of a cell are known."""
        call = 0
        while (fingerprint, row, call) in self.entries:
            call += 1
        return call

    def forget(self, fingerprint: str, row: int) -> None:
        """Let a cell that failed be asked again: from its first call without a reply, or from its beginning."""
        known = range(self.calls(fingerprint, row))
        unanswered = [call for call in known if self.entries[fingerprint, row, call].reply is None]
        if not unanswered:
            self.begun[fingerprint, row] = self.begun.get((fingerprint, row), 0) + 1
        self._cut(fingerprint, row, unanswered[0] if unanswered else 0)

    def recall(self, fingerprint: str, row: int, call: int) -> Entry | None:
        """What an earlier attempt was answered."""
        return self.entries.get((fingerprint, row, call))

    def add(self, fingerprint: str, entry: Entry) -> None:
        """Write a reply down; it counts from now on."""
        if self._handle is None:
            self._handle = self._create()
        data = _encode(fingerprint, entry)
        with disk_errors(self.folder):
            written = os.write(self._handle, data)
            while written < len(data):
                written += os.write(self._handle, data[written:])
        self._keep(fingerprint, entry)

    def _create(self) -> int:
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            attempt = len(list(self.folder.glob("*.jsonl")))
            while True:
                try:
                    return create(self.folder / f"{attempt:04d}.jsonl", os.O_APPEND | os.O_EXCL)
                except FileExistsError:
                    attempt += 1

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        if self._handle is not None:
            with disk_errors(self.folder):
                os.fdatasync(self._handle)

    def close(self) -> None:
        """Sync and let go of the file."""
        if self._handle is not None:
            self.sync()
            os.close(self._handle)
            self._handle = None


class Journals:
    """The journals of a run that are open: synced together."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._open: set[PartJournal] = set()

    def open(self, folder: Path) -> PartJournal:
        """The journal of a partition that is taken up."""
        journal = PartJournal.open(folder, self._tell)
        self._open.add(journal)
        return journal

    def finish(self, journal: PartJournal) -> None:
        """Sync a journal and let go of it: its partition is made."""
        journal.close()
        self._open.discard(journal)

    def sync(self) -> None:
        """Make all replies so far survive a power cut."""
        for journal in list(self._open):
            journal.sync()

    def close(self) -> None:
        """Let go of all of them."""
        for journal in list(self._open):
            self.finish(journal)
