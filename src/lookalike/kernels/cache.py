"""Where compiled kernels are kept.

numba keeps them beside the package, or in the user's cache. In a container that runs as another user neither may be writable, and
numba then refuses to import a cached function at all. Here such a process gets a folder of its own among the temporary files.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


def settle() -> None:
    """Name a folder that can be written in `NUMBA_CACHE_DIR`, unless it is set or numba finds one by itself.

    The folder is this user's alone: what lies in it is executed.
    """
    if os.environ.get("NUMBA_CACHE_DIR") or os.access(PACKAGE, os.W_OK) or _takes_files(user_cache("numba")):
        return
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"lookalike-kernels-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if folder.is_symlink() or (hasattr(os, "getuid") and (found.st_uid != user or found.st_mode & 0o077)):
            folder = Path(tempfile.mkdtemp(prefix="lookalike-kernels-"))
    except OSError:
        return  # nothing can be written anywhere: numba says so
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def cold() -> bool:
    """Whether the forest's kernels were never compiled here: the first fit then takes half a minute longer."""
    own = os.environ.get("NUMBA_CACHE_DIR")
    roots = [Path(own)] if own else [PACKAGE / "synthesizers" / "forest", user_cache("numba")]
    try:
        return not any(next(root.rglob(ending), None) for root in roots for ending in ("*.nbi", "*.native"))
    except OSError:  # another user's home, into which nobody else may look
        return True


def user_cache(of: str) -> Path:
    """Where a program keeps what it can make again; nowhere for a user without a home."""
    home = os.path.expanduser("~")  # noqa: PTH111  # Path.home() raises for users without an entry
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(home if home != "~" else os.devnull) / ".cache") / of


def _takes_files(folder: Path) -> bool:
    """Whether a folder is there and writable, or can be made."""
    try:
        there = next(part for part in (folder, *folder.parents) if part.exists())
    except OSError:  # another user's home, into which nobody else may look
        return False
    return there.is_dir() and os.access(there, os.W_OK)
