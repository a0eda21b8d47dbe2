"""`lookalike run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or a run folder to go on with.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The run folder. Default: runs/<name>.")] = None,
    rows: Annotated[int | None, typer.Option("--rows", help="Rows of every table that says a number.")] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: a parameter, or a dotted path of the recipe.")
    ] = None,
    shard: Annotated[
        str, typer.Option("--shard", help="i/n: make only this share; finish with a run without --shard.")
    ] = "0/1",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again for cells that failed or never passed their checks.")
    ] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let `kind: function` and other code of the recipe run.")
    ] = False,
    threads: Annotated[int, typer.Option("--threads", help="Threads for tables without model calls; 0: one a core.")] = 0,
    cache: Annotated[Path | None, typer.Option("--cache", help="A folder of replies that runs share.")] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate/--no-evaluate", help="Measure what was made; stop early when a gate is lost.")
    ] = True,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", envvar="LOOKALIKE_SIGNING_KEY", help="Ed25519 key (PEM): seal the finished run with it."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Make a dataset from a recipe. The same command again goes on where it stopped.

    Exit codes: 0 done and gates pass; 1 a gate fails; 2 recipe; 3 gates inconclusive; 4 source; 5 model or budget; 6 internal.
    """
    from lookalike import api
    from lookalike.api import Options, Progress, Shard, check_key
    from lookalike.cli.live import watching
    from lookalike.cli.output import say
    from lookalike.cli.summary import show_run

    if sign is not None:
        check_key(sign)
    options = Options(threads, Shard.parse(shard), retry_failed, allow_code, cache)
    plan = api.plan(recipe, rows=rows, set=api.settings(sets or []), allow_code=allow_code)
    to = output or api.default_folder(recipe, plan)
    progress = Progress()
    with watching(progress, json=json, quiet=quiet) as listeners:
        made = api.make(plan, to, options=options, listeners=listeners, progress=progress, stop_early=evaluate)
    if not options.shard.whole:
        if not quiet:
            say(f"shard {shard} is done; `lookalike run {recipe} -o {to}` finishes when all are")
        return
    report = api.measure(plan, made) if evaluate else None
    if sign is not None:
        api.seal(made, key=sign)
    if not quiet and not json:
        show_run(made, report)
    if report is not None and report.exit_code:
        raise typer.Exit(report.exit_code)
