"""What a run borrows from its process: an event loop, a thread for the disk, the signals, the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from lookalike.errors import RunError

T = TypeVar("T")
P = ParamSpec("P")


class Stopped(RunError):
    """The user stopped the run; everything answered is kept."""

    exit_code = 130


def stopped() -> Stopped:
    """The user's stop, as an error."""
    return Stopped(what="stopped; every reply that came in is kept", fix="the same command goes on from here")


class Bell:
    """Wakes all that wait for something to change."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Until it is rung."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def ring(self) -> None:
        """Something changed."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Loop:
    """One event loop for a whole run, so that sockets and weights are opened once for all its tables.

    Where a loop runs already (a notebook), ours has a thread of its own. Files are written and synced by one more thread, and
    columns and verdicts are computed by others: neither a slow disk nor a slow step holds up replies.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._disk = ThreadPoolExecutor(1, "lookalike-disk")
        self._aside = ThreadPoolExecutor(3, "lookalike-rows")  # one opens partitions, one judges, one makes cells
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._thread = None
        else:
            self._thread = ThreadPoolExecutor(1, "lookalike-loop")

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to the end; what the coroutine raises is raised here, and nothing of it goes on."""
        return self._here(self._run, coroutine)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(coroutine)
        except KeyboardInterrupt:  # a second Ctrl-C, in the middle of anything
            for task in asyncio.all_tasks(self._runner.get_loop()):
                task.cancel()
            raise

    async def on_disk(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call on the disk's thread: one call at a time, in the order asked for."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, lambda: work(*args, **kwargs))

    async def aside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call on another thread than the loop's."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Finish what is being written, and let go of the threads."""
        self._disk.shutdown()
        self._aside.shutdown()
        self._here(self._runner.close)
        if self._thread is not None:
            self._thread.shutdown()

    def _here(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs) if self._thread is None else self._thread.submit(work, *args, **kwargs).result()


@contextmanager
def few_collections() -> Iterator[None]:
    """Keep the garbage collector from walking modules and open rows again and again: a tenth of a run's CPU went there."""
    before, ours = gc.get_threshold(), gc.get_freeze_count() == 0
    if ours:
        gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if ours:
            gc.unfreeze()


@contextmanager
def interruptible(halt: threading.Event, say: Callable[[], None], paid: Callable[[], bool]) -> Iterator[None]:
    """First Ctrl-C: `halt` is set, and what is in flight comes in. Second, or the first where nothing is paid for: stop at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(signum: int, frame: Any) -> None:  # noqa: ARG001
        if halt.is_set() or not paid():
            raise KeyboardInterrupt
        halt.set()
        say()

    before = {sig: signal.signal(sig, handler) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sig, old in before.items():
            signal.signal(sig, old)
