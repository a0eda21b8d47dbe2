"""`lookalike pseudonymise`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lookalike.api import Replaced

app = typer.Typer(add_completion=False)


@app.command()
def pseudonymise(
    data: Annotated[list[str], typer.Argument(help="Tables: csv, parquet, json, xlsx, or a sqlite or postgres URL#table.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder; each file keeps its name.")],
    same: Annotated[
        list[str] | None, typer.Option("--same", help="people.id=visits.patient: columns with the same originals.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--as", help="people.boss=name: what a column holds; people.age=keep: it stays as it is."),
    ] = None,
    variable: Annotated[
        str, typer.Option("--secret-env", help="The environment variable that holds the secret.")
    ] = "LOOKALIKE_SECRET",
) -> None:
    """Replace identifiers and personal data: one original, one stand-in, in all tables and wherever the secret is the same."""
    from lookalike import api
    from lookalike.api import filled, read, replace_all, write_table
    from lookalike.cli.output import say

    secret = filled(f"${{{variable}}}", "--secret-env")
    paths = _paths(data, output)
    tables = {name: read(text) for name, text in zip(paths, data, strict=True)}
    said = api.settings(types or [], option="--as")
    made, found = replace_all(tables, secret, [group.split("=") for group in same or []], said)
    output.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        write_table(made[name], path)
        say(f"{path}  {made[name].num_rows:,} rows", style="dim")
    _tell(found)


def _paths(data: Sequence[str], output: Path) -> dict[str, Path]:
    """Where each table goes, by its name in `--same`; asked before the work."""
    from lookalike.api import WRITERS, check_writable
    from lookalike.errors import UsageError

    paths: dict[str, Path] = {}
    for text in data:
        origin = Path(text.rpartition("#")[2] if "://" in text else text.removeprefix("package:"))
        plain = origin.with_suffix("") if origin.suffix.lower() == ".gz" else origin
        ending = plain.suffix.lower()
        path = output / f"{plain.stem}{ending if ending in WRITERS else '.csv'}"
        if plain.stem in paths:
            raise UsageError(what=f"two tables have the name {plain.stem!r}", where=text, fix="rename a file")
        if path.exists() and origin.exists() and path.samefile(origin):
            raise UsageError(what="this would overwrite the originals", where=str(path), fix="name another folder")
        check_writable(path)
        paths[plain.stem] = path
    return paths


def _tell(found: Sequence[Replaced]) -> None:
    """What was replaced, how many, and what was not."""
    from lookalike.api import UNTIED
    from lookalike.cli.output import say, show_rows

    replaced = [one for one in found if one.originals]
    if replaced:
        show_rows(
            ("replaced", "as", "originals", "cells"),
            [(one.place, one.what, f"{one.originals:,}", f"{one.cells:,}") for one in replaced],
            texts=2,
        )
    else:
        say("nothing was replaced: no identifiers and no personal data were found", style="yellow")
    left = [f"{one.place} ({one.what})" for one in found if one.what in UNTIED]
    if left:
        say(f"kept, and may name people: {', '.join(left)}; see `lookalike kinds redact`", style="yellow")
    kept = [one.place for one in found if one not in replaced and one.what not in UNTIED]
    if kept:
        say(f"kept: {', '.join(kept)}", style="dim")
