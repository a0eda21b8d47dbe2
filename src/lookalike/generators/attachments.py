"""Images, sounds and texts that go with a prompt: from a column or a file beside the recipe."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from lookalike.errors import RecipeError
from lookalike.generators.templates import TemplateText, compiled
from lookalike.models.base import MediaPart
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_MAGIC = (
    (b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"%PDF", "application/pdf"),
    (b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"BM", "image/bmp"),
)  # fmt: skip
_LARGEST = 50_000_000


class Attachment(BaseModel):
    """One attachment; exactly one of `column` and `file`.

    Attributes:
        column: holds bytes, a path, or a struct with `bytes` or `path`.
        file: a template of a path; it stays under the recipe's folder.
        media_type: as image/png; worked out from the content when empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = ""
    file: TemplateText = ""
    media_type: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.column) == bool(self.file):
            raise ValueError("an attachment has either `column` or `file`")
        return self

    def needs(self) -> frozenset[str]:
        """The columns it reads."""
        return frozenset({self.column}) if self.column else compiled(self.file).needs

    def part(self, row: Row, ctx: Context) -> MediaPart | None:
        """The attachment of a row; None where its column is null.

        Raises:
            RecipeError: no such file, outside the recipe's folder, too large, or not bytes and no path.
        """
        value: Any = row[self.column] if self.column else compiled(self.file).render(row)
        media_type = self.media_type
        if isinstance(value, Mapping):
            media_type = media_type or str(value.get("media_type") or "")
            value = value.get("bytes") if value.get("bytes") is not None else value.get("path")
        if value is None:
            return None
        if isinstance(value, bytes):
            return MediaPart(media_type or _media_type(value, ""), value)
        if not isinstance(value, str):
            raise RecipeError(
                what=f"attachment {self.column!r} holds {type(value).__name__}",
                fix="use a column of bytes, paths, or structs with one",
            )
        data = _inside(value, ctx)
        return MediaPart(media_type or _media_type(data, value), data, Path(value).name)


def _inside(name: str, ctx: Context) -> bytes:
    root = ctx.root.resolve()
    path = (root / name).resolve()
    where = f"table {ctx.table!r}, column {ctx.column!r}"
    if not path.is_relative_to(root):
        raise RecipeError(
            what=f"the attachment {name!r} is outside {root}", where=where, fix="move it under the recipe's folder"
        )
    if not path.is_file():
        raise RecipeError(what=f"the attachment {name!r} is not a file in {root}", where=where, fix="check the path")
    if path.stat().st_size > _LARGEST:
        raise RecipeError(what=f"the attachment {name!r} is larger than {_LARGEST:,} bytes", where=where, fix="make it smaller")
    return path.read_bytes()


def _media_type(data: bytes, name: str) -> str:
    for start, media_type in _MAGIC:
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF":
        return "image/webp" if data[8:12] == b"WEBP" else "audio/wav"
    return mimetypes.guess_type(name)[0] or ("text/plain" if _is_text(data) else "application/octet-stream")


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
