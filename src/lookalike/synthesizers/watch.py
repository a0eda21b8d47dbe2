"""How far a fit is: whoever waits may watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[str, float], None]
"""Called with what goes on, and the share of the whole that is done, 0 to 1; within the fit, so it must be quick."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Be told of every fit in here."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def tell(what: str, share: float) -> None:
    """Say to whoever watches what goes on and how far it is."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(what, share)
