"""Every reply is written down before it counts.

One line a reply, one `write()` a line, so that a killed process loses only what was in flight; files are synced in groups
(once a second), so that a power cut loses at most that second. Each attempt at a partition appends to a file of its own: a
process that is dead but still writes tears nobody's lines.

    journal/<table>/part-00000/<attempt>.jsonl

A line is keyed by the column's fingerprint, the row and the number of the call within the cell. After an edit of the recipe
the replies of untouched columns are still found, the others are not. A later line for a call takes the place of an earlier
one and of all that followed it in its cell: the conversation was begun anew from there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lookalike.models.base import Reply, ToolCall, Usage
from lookalike.store import disk_errors

Key = tuple[str, int, int]  # (column fingerprint, row id, call)


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
        line["e"] = entry.failure
        return orjson.dumps(line) + b"\n"
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
    return orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"


def _decode(line: dict[str, Any]) -> Entry:
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
    def open(cls, folder: Path) -> PartJournal:
        """Read all earlier attempts; a last line that a kill has torn is skipped."""
        journal = cls(folder)
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
            for raw in path.read_bytes().split(b"\n"):
                if not raw:
                    continue
                try:
                    line = orjson.loads(raw)
                    entry = _decode(line)
                except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                    continue  # torn
                journal._keep(line["f"], entry)
        return journal

    def _keep(self, fingerprint: str, entry: Entry) -> None:
        """Put an entry in its place; what followed an earlier one of the same call is gone."""
        known = self.entries.get((fingerprint, entry.row, entry.call))
        if known is not None:
            if entry.call == 0 and known.reply is not None:
                self.begun[fingerprint, entry.row] = self.begun.get((fingerprint, entry.row), 0) + 1
            self._cut(fingerprint, entry.row, entry.call)
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
                    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
                    return os.open(self.folder / f"{attempt:04d}.jsonl", flags, 0o644)
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
