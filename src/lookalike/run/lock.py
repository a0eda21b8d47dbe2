"""One run at a time on one folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lookalike.errors import RunError
from lookalike.store import disk_errors


@contextmanager
def locked(folder: Path, name: str = "run") -> Iterator[None]:
    """Hold the folder's lock; the operating system lets go of it when the process dies, however it dies.

    Raises:
        RunError: another process holds it; its pid is named.
    """
    path = folder / f".{name}.lock"
    with disk_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
