"""Files that are complete or not there: written aside, synced, then put in place; a file that exists is complete."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lookalike.errors import RunError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into one clear error.

    Raises:
        RunError: the disk is full, read-only or forbidden.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise RunError(
                what=f"the disk is full ({exc.strerror})",
                where=str(path),
                fix="free some space and run the same command again: everything answered so far is kept",
            ) from exc
        raise RunError(
            what=f"cannot write: {exc.strerror or exc}", where=str(path), fix="check the folder's permissions and disk"
        ) from exc


def check_writable(path: Path) -> None:
    """Ask before long work whether a file or folder could be put there, so that a wrong place costs nothing.

    Raises:
        RunError: the nearest folder that exists cannot be written, or is a file.
    """
    with disk_errors(path):
        there = next(part for part in (path.absolute().parent, *path.absolute().parents) if part.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


def put(path: Path, write: Callable[[BinaryIO], object], *, replace: bool = True) -> bool:
    """Write a file aside, sync it, and put it in place in one step.

    Args:
        path: where the file goes; missing folders are made.
        write: called with the open file.
        replace: False puts it only if nothing is there yet: of two writers the first wins.

    Returns:
        Whether the file is the one that was written now.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with aside.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                aside.replace(path)
                return True
            try:
                os.link(aside, path)
            except FileExistsError:
                return False
            return True
        finally:
            aside.unlink(missing_ok=True)


def put_bytes(path: Path, data: bytes) -> None:
    """Put a small file in place."""
    put(path, lambda file: file.write(data))


def clear_leftovers(folder: Path) -> int:
    """Remove what a killed run had half written; returns how many files."""
    leftovers = [*folder.rglob(".*.part")]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
