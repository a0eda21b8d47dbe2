"""Replies that two runs share, keyed by the request. Off by default.

One SQLite file in a folder; several processes of one machine may use it (not for network file systems). What comes from it
costs nothing and says so: no tokens, no money, `tries` 0.
"""

from __future__ import annotations

import base64
import sqlite3
from dataclasses import asdict, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from lookalike.models.base import Model, Reply, Request, ToolCall, Usage
from lookalike.store import refuse_links

FORMAT = 1
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


class ReplyCache:
    """A folder of stored replies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        refuse_links(folder)
        self._db = sqlite3.connect(folder / "replies.sqlite", timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.execute("create table if not exists reply (key blob primary key, body blob not null) without rowid")

    def get(self, model: Model, request: Request) -> Reply | None:
        """The stored reply of an equal request to an equal model, or None."""
        found = self._db.execute("select body from reply where key = ?", (key(model, request),)).fetchone()
        return None if found is None else _read(orjson.loads(found[0]))

    def put(self, model: Model, request: Request, reply: Reply) -> None:
        """Store a reply; the first one of a request stays."""
        body = orjson.dumps(asdict(reply))
        self._db.execute("insert or ignore into reply values (?, ?)", (key(model, request), body))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def key(model: Model, request: Request) -> bytes:
    """16 bytes of all that decides a reply: the model's identity and defaults, and the request without its lane's name."""
    body = asdict(replace(request, model=""))
    return blake2b(orjson.dumps([FORMAT, model.identity(), body], option=_SORTED, default=_plain), digest_size=16).digest()


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else dict(value)


def _read(body: dict[str, Any]) -> Reply:
    calls = tuple(ToolCall(**call) for call in body.pop("tool_calls"))
    vector = tuple(body.pop("vector"))
    free = {"usage": Usage(), "tries": 0, "ms": 0.0}
    return Reply(**{**body, "tool_calls": calls, "vector": vector, **free})
