"""Block columns that stand between two model columns: made on another thread, for all rows together that wait for them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lookalike.run.loop import Loop
from lookalike.run.open_part import OpenPart
from lookalike.run.rows import RowMaker

Place = tuple[OpenPart, int]


class Between:
    """Gathers cells while others are being made: the busier the run, the larger the blocks."""

    def __init__(self, maker: RowMaker, needs: Mapping[str, Sequence[str]], loop: Loop) -> None:
        """Needs: of each block column, the cells that it reads."""
        self._maker, self._needs, self._loop = maker, needs, loop
        self._queue: dict[str, list[tuple[Place, asyncio.Future[Any]]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def cell(self, part: OpenPart, offset: int, name: str) -> Any:
        """The cell's value."""
        future = asyncio.get_running_loop().create_future()
        self._queue.setdefault(name, []).append(((part, offset), future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._queue:
            name = next(iter(self._queue))
            waiting = self._queue.pop(name)
            try:
                values = await self._loop.aside(self._block, name, [place for place, _ in waiting])
            except Exception as exc:  # noqa: BLE001  # handed to the rows that wait
                for _, future in waiting:
                    if not future.done():
                        future.set_exception(exc)
                continue
            for (_, future), value in zip(waiting, values, strict=True):
                if not future.done():
                    future.set_result(value)

    def _block(self, name: str, places: Sequence[Place]) -> list[Any]:
        spec = self._maker.table.table.columns[name]
        by_part: dict[int, list[int]] = defaultdict(list)
        for at, (part, _) in enumerate(places):
            by_part[part.index].append(at)
        values: list[Any] = [None] * len(places)
        for found in by_part.values():
            part = places[found[0]][0]
            batch = part.so_far([places[at][1] for at in found], self._needs[name])
            made = self._maker.column(batch, name, spec)
            for at, value in zip(found, made.to_pylist(), strict=True):
                values[at] = value
        return values
