"""A folder that a dataset hub shows as it is: Parquet shards, a card with front matter, Croissant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pyarrow as pa
import yaml
from pydantic import Field

from lookalike.errors import RunError
from lookalike.export.base import Exporter, FinishedTables
from lookalike.export.card import ReportFile, card
from lookalike.export.croissant import croissant
from lookalike.export.parquet import Parquet
from lookalike.store import put, put_bytes, read_json, sha256

_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


class HubFolder(Exporter):
    """A hub-ready folder: `data/<table>/train-00000-of-0000N.parquet`, `README.md` with `configs:`, `croissant.json`.

    Rows stream from the run's partitions into shards; no table is held. A folder that holds anything else than an earlier
    export of this sort is refused, and shards of an earlier export are removed.

    Example:
        ```console
        lookalike export runs/clinic --to hub -o clinic-dataset/
        ```
    """

    kind: ClassVar[str] = "hub"

    rows_per_file: int = 1_000_000
    about: dict[str, Any] = Field(
        default_factory=dict
    )  # what only a person knows: license, language, description ...; see `export/card.py`

    def export(self, run: FinishedTables, to: Path) -> list[Path]:
        """Write shards, card and Croissant description.

        Raises:
            RunError: the target is a file or a folder of something else, or the run is not finished.
        """
        manifest = run.manifest
        if not manifest:
            raise RunError(what="the run is not finished", where=run.name, fix="run the recipe to its end, then export")
        _clear(to)
        described: dict[str, Any] = {}
        paths: list[Path] = []
        for table in self.chosen(run):
            shards = self._shards(run, table, int(manifest["tables"][table]["rows"]), to)
            paths += shards
            described[table] = {**manifest["tables"][table], "parts": [_part(path, to) for path in shards]}
        handed = {**manifest, "tables": described}
        readme, metadata = to / "README.md", to / "croissant.json"
        put_bytes(readme, _card(handed, self.about, _report(run)).encode())
        data = croissant(handed, about=self.about)
        for item in data["distribution"]:
            if "includes" in item:
                item["includes"] = re.sub(r"^tables/", "data/", item["includes"])
        put_bytes(metadata, orjson.dumps(data, option=orjson.OPT_INDENT_2))
        return [*paths, readme, metadata]

    def _shards(self, run: FinishedTables, table: str, rows: int, to: Path) -> list[Path]:
        count = max(1, -(-rows // self.rows_per_file))
        batches = run.batches(table)
        rest: list[pa.RecordBatch] = []
        paths = []
        for number in range(count):
            path = to / "data" / table / f"train-{number:05d}-of-{count:05d}.parquet"
            put(path, lambda file: Parquet().write(_take(batches, rest, self.rows_per_file), file))
            paths.append(path)
        return paths


def _take(batches: Iterator[pa.RecordBatch], rest: list[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """So many rows of a stream; what is left of the last batch waits in `rest`."""
    while rows > 0:
        batch = rest.pop() if rest else next(batches, None)
        if batch is None:
            return
        if len(batch) > rows:
            rest.append(batch.slice(rows))
            batch = batch.slice(0, rows)
        rows -= len(batch)
        yield batch


def _part(path: Path, to: Path) -> dict[str, str]:
    return {"path": path.relative_to(to).as_posix(), "sha256": sha256(path)}


def _card(manifest: dict[str, Any], about: dict[str, Any], report: dict[str, Any] | None) -> str:
    """The run's card, its front matter pointing at the shards of this folder."""
    text = card(manifest, report=report, about=about)
    found = _FRONT.match(text)
    if found is None:
        raise RunError(what="the card has no front matter", where="README.md", fix="report this: it is a bug of ours")
    front = yaml.safe_load(found.group(1))
    for config in front["configs"]:
        config["data_files"] = [{"split": "train", "path": f"data/{config['config_name']}/train-*.parquet"}]
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n{text[found.end() :]}"


def _report(run: FinishedTables) -> dict[str, Any] | None:
    """The run's report, if one was made."""
    folder = getattr(run, "path", None)
    path = None if folder is None else Path(folder) / "report.json"
    if path is None or not path.is_file():
        return None
    return read_json(path, ReportFile, fix="delete this file, or let `lookalike report` write it again")


def _clear(to: Path) -> None:
    """Remove the shards of an earlier export; refuse a folder of something else."""
    if to.exists() and not to.is_dir():
        raise RunError(what="the target is a file", where=str(to), fix="name a folder with -o")
    if not to.is_dir() or not any(to.iterdir()):
        return
    if not (to / "croissant.json").is_file():
        raise RunError(what="the folder holds something else", where=str(to), fix="name an empty or a new folder with -o")
    for path in (to / "data").glob("*/train-*-of-*.parquet"):
        path.unlink()
