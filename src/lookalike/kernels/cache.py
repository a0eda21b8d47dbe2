"""Where machine code is kept: beside the package, in the user's cache, or among the temporary files.

In a container that runs as another user neither of the first two may be writable. What lies in these folders is executed, so a
temporary one must be this user's alone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def folders(beside: Path) -> Iterator[Path]:
    """Where machine code may lie, the best place first; not all of them are there.

    Args:
        beside: the folder of the Python file that it was made from.
    """
    if own := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(own)
        return
    yield beside / "__pycache__"
    yield user_cache("lookalike")
    if (private := _private(Path(tempfile.gettempdir()))) is not None:
        yield private


def user_cache(of: str) -> Path:
    """Where a program keeps what it can make again; nowhere for a user without a home."""
    home = os.path.expanduser("~")  # noqa: PTH111  # Path.home() raises for users without an entry
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(home if home != "~" else os.devnull) / ".cache") / of


def _private(temporary: Path) -> Path | None:
    """A folder among the temporary files that this user made and nobody else can open; None where another one lies there."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = temporary / f"lookalike-kernels-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    strange = folder.is_symlink() or (hasattr(os, "getuid") and (found.st_uid != user or found.st_mode & 0o077))
    return None if strange else folder
