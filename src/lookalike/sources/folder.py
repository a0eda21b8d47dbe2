"""A folder of text files: one row a file."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from lookalike.errors import SourceError
from lookalike.sources.base import Source, stamp, under
from lookalike.sources.encodings import encoding_of, text_of

LONGEST = 1 << 26  # 64 MiB: a cell is held as a whole


class Folder(Source):
    """Text files as rows: `name`, `path` (below the folder), `text`, `bytes`. Sorted by path.

    Files are UTF-8, UTF-16 or UTF-32 with a mark, or Windows-1252 where they look like it; anything else needs `encoding`.

    Example:
        ```yaml
        sources:
          notes: {kind: folder, path: notes, pattern: "**/*.md"}
        ```
    """

    kind: ClassVar[str] = "folder"

    path: str
    pattern: str = "**/*.txt"
    encoding: str | None = None

    def _files(self, root: Path) -> list[Path]:
        folder = under(root, self.path)
        if not folder.is_dir():
            raise SourceError(what="there is no such folder", where=str(folder), fix="check the path")
        if Path(self.pattern).is_absolute() or ".." in Path(self.pattern).parts:
            raise SourceError(
                what=f"the pattern {self.pattern!r} leaves the folder", where=str(folder), fix="name it by `path:`"
            )
        files = sorted(path for path in folder.glob(self.pattern) if path.is_file())
        if not files:
            raise SourceError(what=f"no file fits {self.pattern!r}", where=str(folder), fix="say `pattern:`, such as '**/*.md'")
        return files

    def read(self, root: Path) -> pa.Table:
        """One row a file."""
        folder = under(root, self.path)
        rows: dict[str, list[object]] = {"name": [], "path": [], "text": [], "bytes": []}
        for path in self._files(root):
            if path.stat().st_size > LONGEST:
                raise SourceError(
                    what=f"the file has {path.stat().st_size:,} bytes, more than {LONGEST:,}", where=str(path), fix="split it"
                )
            data = path.read_bytes()
            for name, value in (
                ("name", path.stem),
                ("path", str(path.relative_to(folder))),
                ("text", self._text(data, path)),
                ("bytes", len(data)),
            ):
                rows[name].append(value)
        return pa.table(rows)

    def _text(self, data: bytes, path: Path) -> str:
        if b"\0" in data and not self.encoding and encoding_of(data, str(path)) in ("utf-8", "cp1252"):
            raise SourceError(what="this is no text file: it has null bytes", where=str(path), fix="leave it out by `pattern:`")
        return text_of(data, str(path), self.encoding)

    def version(self, root: Path) -> str:
        """Names, sizes and times."""
        digest = blake2b(digest_size=16)
        for path in self._files(root):
            digest.update(f"{path}\0{stamp(path)}\0".encode())
        return digest.hexdigest()
