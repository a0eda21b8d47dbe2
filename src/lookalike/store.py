"""The door for files of runs, models and exports: complete or not there, checked when read, never written through a link.

A file is written aside, synced, then put in place; a file that exists is complete. What carries a checksum (`stamped`) holds
the key `lookalike.crc32` and eight hexadecimal digits: the CRC-32 of all its bytes with zeros in the place of these digits. It
tells damage by disks and transfers; who changes a file on purpose is told by a seal (`export/sign.py`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from lookalike.errors import LookalikeError, RunError

STAMP = "lookalike.crc32"
BLANK = "00000000"
_STAMPED = re.compile(re.escape(STAMP.encode()) + rb"[^0-9a-z]{2,4}([0-9a-f]{8})")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DAMAGED = (  # what readers of JSON, Parquet and Arrow raise on bytes that are not theirs
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, NotImplementedError, MemoryError, RecursionError,
)  # fmt: skip


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
        if exc.errno == errno.ELOOP:
            raise linked(path) from exc
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
        if path.is_symlink():
            raise linked(path)
        aside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        aside.unlink(missing_ok=True)  # of a process that died and had our number
        try:
            with os.fdopen(create(aside, os.O_EXCL), "wb") as file:
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


def put_json(path: Path, body: dict[str, Any]) -> None:
    """Put plain data in place as JSON with a checksum; `read_json` gives it back."""
    put_bytes(path, stamped(orjson.dumps({**body, STAMP: BLANK}, option=orjson.OPT_INDENT_2)))


def create(path: Path, flags: int) -> int:
    """Open a file to write, made where it is missing; a link is never followed. To be called under `disk_errors`.

    Returns:
        The file's number.
    """
    return os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


def refuse_links(folder: Path) -> None:
    """Ask before anything is written into a folder that may come from elsewhere: whether nothing in it leads out of it.

    Raises:
        RunError: there is a symbolic link in it, which is named.
    """
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(here, name)
            if path.is_symlink():
                raise linked(path)


def linked(path: Path) -> RunError:
    """The refusal to write through a link."""
    return RunError(
        what="this is a symbolic link, and what is written must not land elsewhere",
        where=str(path),
        fix="remove the link, or choose another place with -o",
    )


@contextmanager
def reading(path: Path, *, fix: str, error: type[LookalikeError] = RunError) -> Iterator[None]:
    """Turn whatever a damaged file does to its reader into one clear error.

    Args:
        path: the file.
        fix: what to do about it.
        error: the error's class.
    """
    try:
        yield
    except OSError as exc:
        raise error(what=f"cannot be read: {exc.strerror or exc}", where=str(path), fix=fix) from exc
    except _DAMAGED as exc:
        why = str(exc).partition("\n")[0] if isinstance(exc, ValueError) else repr(exc)
        raise error(what=f"the file is damaged: {why}", where=str(path), fix=fix) from exc


def read_whole(path: Path, *, plain: bool = False) -> bytes:
    """A file's bytes; to be called under `reading`.

    Args:
        path: the file.
        plain: let bytes through that carry no checksum.

    Raises:
        ValueError: they do not fit the checksum that they carry.
    """
    data = path.read_bytes()
    found = whole(data)
    if found is False:
        raise ValueError("its bytes are not those that were written")
    if found is None and not plain:
        raise ValueError("it carries no checksum, as files of earlier versions do not")
    return data


def read_json(path: Path, shape: type, *, fix: str, error: type[LookalikeError] = RunError) -> dict[str, Any]:
    """Plain data from a JSON file, as `put_json` wrote it.

    Args:
        path: the file.
        shape: what must be there, as a pydantic model; other keys are let through.
        fix: what to do where it is damaged.
        error: the error's class.

    Raises:
        LookalikeError: of class `error`: no such file, not JSON, of another shape, or other bytes than were written.
    """
    with reading(path, fix=fix, error=error):
        body: Any = orjson.loads(read_whole(path, plain=True))
        check(shape, body)
        return {name: value for name, value in body.items() if name != STAMP}


def check(shape: type, body: Any) -> None:
    """Hold plain data against a shape.

    Raises:
        ValueError: it has another one; names the place.
    """
    from pydantic import TypeAdapter, ValidationError  # here: most commands read no file of a run

    try:
        TypeAdapter(shape).validate_python(body, strict=True)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'all of it'}: {first['msg']}") from exc


def stamped(data: bytes) -> bytes:
    """The bytes with their checksum in the place that `STAMP` and `BLANK` keep for it, the last one."""
    start = _place(data)
    assert start >= 0
    return b"%s%08x%s" % (data[:start], zlib.crc32(data), data[start + len(BLANK) :])


def whole(data: bytes) -> bool | None:
    """Whether the bytes fit the checksum that they carry; None where they carry none."""
    start = _place(data)
    if start < 0:
        return None
    stop = start + len(BLANK)
    found = zlib.crc32(data[stop:], zlib.crc32(BLANK.encode(), zlib.crc32(data[:start])))
    return b"%08x" % found == data[start:stop]


def _place(data: bytes) -> int:
    """Where the digits of the checksum start; -1 where there are none."""
    at = data.rfind(STAMP.encode())
    found = None if at < 0 else _STAMPED.match(data, at)
    return -1 if found is None else found.start(1)


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
