"""One run at a time on one folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lookalike.errors import RunError
from lookalike.store import create, disk_errors


@contextmanager
def locked(folder: Path, name: str = "run", *, shared: bool = False) -> Iterator[None]:
    """Hold the folder's lock; the operating system lets go of it when the process dies, however it dies.

    With `shared`, the holder of `name` (one shard of several) also keeps out whoever wants the whole folder, but not the
    holders of other names.

    Raises:
        RunError: another process holds it; its pid is named.
    """
    if shared:
        with _held(folder, "run", fcntl.LOCK_SH), _held(folder, name, fcntl.LOCK_EX):
            yield
    else:
        with _held(folder, name, fcntl.LOCK_EX):
            yield


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold what is to be made at a path; whoever else makes it is waited for."""
    place = path.with_name(f".{path.name}.lock")
    with disk_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = create(place, 0)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _held(folder: Path, name: str, how: int) -> Iterator[None]:
    path = folder / f".{name}.lock"
    with disk_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        handle = create(path, 0)
    try:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            pid = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise RunError(
                what=f"another run works on this folder (pid {pid})",
                where=str(folder),
                fix=f"wait for it, stop it (kill {pid}), or choose another folder with -o",
            ) from exc
        with disk_errors(path):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)
