"""What replies may hold, together and unpacked: a server decides neither how much memory nor how much work we spend."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable

from lookalike.models.base import Refused, Transient

ROOM = 64 << 20  # bytes that the open replies of one server may hold together, beside the largest of them
SMALL = 64 << 10  # bytes of a reply that are not counted
UNPACKED = 1 << 20  # bytes that any reply may unpack to; beyond it a hundred times its own size
RATIO = 100


class Room:
    """Bytes that open replies hold together.

    Beyond `most` only the one that came first is read on, so that it ends and makes room; the others wait.
    """

    def __init__(self, most: int = ROOM) -> None:
        self._most, self._total = most, 0
        self._held: dict[object, int] = {}
        self._waiting: dict[object, Callable[[], None]] = {}

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._total

    def hold(self, who: object, size: int, wake: Callable[[], None]) -> bool:
        """Note how much a reply holds by now. False: it is not to be read on until `wake` is called."""
        self._total += size - self._held.get(who, 0)
        self._held[who] = size
        if self._total <= self._most or next(iter(self._held)) is who:
            return True
        self._waiting[who] = wake
        return False

    async def wait(self, who: object, size: int) -> None:
        """The same, for who can wait."""
        free = asyncio.Event()
        if not self.hold(who, size, free.set):
            await free.wait()

    def release(self, who: object) -> None:
        """A reply is over."""
        self._waiting.pop(who, None)
        self._total -= self._held.pop(who, 0)
        first = next(iter(self._held), None)
        for other in [each for each in self._waiting if self._total <= self._most or each is first]:
            self._waiting.pop(other)()


def unpacked(body: bytes, coding: str, body_max: int) -> bytes:
    """A compressed body as it was: some servers compress what nobody asked them to.

    Raises:
        Transient: it cannot be read.
        Refused: it unpacks to more than a text does.
    """
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Transient(f"the reply is compressed, as nobody asked for: {coding[:40]}")
    most = min(body_max, max(UNPACKED, RATIO * len(body)))
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = unpacking.decompress(body, most)
    except zlib.error:
        raise Transient("the reply's compressed body cannot be read") from None
    if unpacking.unconsumed_tail:
        raise Refused(f"the reply is longer than {most:,} bytes and was cut off")
    if not unpacking.eof:
        raise Transient("the reply's compressed body was cut off")
    return plain
