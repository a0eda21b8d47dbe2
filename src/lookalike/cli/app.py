"""The commands by name. Importing this loads typer and nothing of ours that is heavy."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from lookalike import __version__
from lookalike.errors import UsageError, did_you_mean

COMMANDS: dict[str, str] = {
    "demo": "See it work: real data, an embedded model, a report; no key, no network",
    "look": "Show what each column of a table is taken for, and why",
    "mimic": "Learn a table or a database, sample it, evaluate it",
    "new": "Write a starter recipe",
    "check": "Find every problem of a recipe",
    "plan": "Show order, partitions, model calls and cost before anything is spent",
    "preview": "Make a few records and show prompts and replies side by side",
    "run": "Make a dataset from a recipe; a stopped run goes on",
    "report": "Show what a run made and what it is worth; compare two reports",
    "fit": "Learn a table and save the model",
    "sample": "Draw rows from a saved model",
    "pseudonymise": "Replace identifiers and personal data by stand-ins, the same in every table",
    "relations": "Show how the tables of a database or folder refer to each other",
    "evaluate": "Compare a synthetic dataset with the real one",
    "export": "Hand a run over in another format",
    "verify": "Check a run's files against its manifest and signature",
    "tune": "Compare prompt variants on a small sample and keep the winner",
    "kinds": "List the kinds of columns, steps, models ..., or explain one",
    "models": "List, pull and test embedded models",
}


def _load(name: str) -> Any:
    return typer.main.get_command(import_module(f"lookalike.cli.{name}").app)


class Lazy(typer.core.TyperGroup):
    """A group whose commands are imported when they are called; `--help` lists them without importing any.

    Contexts and commands are `Any` here: which click they are of, typer's own or the package's, depends on typer's version.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order in which a new user meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported; under `--help` of the whole program a name and its summary are enough."""
        if cmd_name not in COMMANDS:
            return None
        if ctx.resilient_parsing or ctx.meta.get("listing"):
            return typer.core.TyperCommand(cmd_name, short_help=COMMANDS[cmd_name], help=COMMANDS[cmd_name])
        return _load(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called.

        Raises:
            UsageError: there is none of that name.
        """
        if ctx.resilient_parsing:  # a shell completes the options of one command: only that one is imported
            return (args[0], _load(args[0]), args[1:]) if args[0] in COMMANDS else (None, None, args)
        if args and args[0] == "help":
            args = [*args[1:], "--help"]
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise UsageError(
                what=f"there is no command {args[0]!r}",
                where="lookalike",
                fix=did_you_mean(args[0], COMMANDS, label="`lookalike --help` lists them"),
            )
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The program's help."""
        ctx.meta["listing"] = True
        super().format_help(ctx, formatter)


app = typer.Typer(cls=Lazy, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:  # typer calls it so
    if wanted:
        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


@app.callback()
def lookalike(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Synthetic datasets that can stand in for real ones, and the proof of what they are worth."""
    del version
