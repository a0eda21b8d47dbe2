"""Write the generated pages: docs/reference/cli.md from the commands, docs/reference/kinds.md from the registry.

python scripts/docs.py            writes them
python scripts/docs.py --check    exit code 1 when a committed page is not what would be written
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from lookalike import api
from lookalike.cli.app import COMMANDS
from lookalike.recipe.pages import Page
from lookalike.registry import builtins

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
_NOTE = "<!-- Written by `python scripts/docs.py`; do not edit. -->"

_CLI = f"""# Commands

{_NOTE}

Exit codes: 0 done and gates pass; 1 a gate fails; 2 usage or recipe; 3 gates inconclusive; 4 source; 5 model or budget; 6 internal;
130 stopped by Ctrl-C. [Errors](errors.md) says which error has which.

| command | what it does |
|---|---|
"""

_KINDS = f"""# Kinds

{_NOTE}

A kind is what `kind:` names in a recipe. `lookalike kinds` lists all that are installed, plugins included; `lookalike kinds NAME` shows
one of the entries below in the terminal, and `lookalike kinds NAME --json` its JSON Schema.

"""

GROUPS = {
    "generator": (
        "Columns",
        "Under `columns:` of a table. Every column also takes `when` (SQL; other rows get null) and `hidden` (made, not written).",
    ),
    "step": ("Steps", "Under `steps:` of a table, in order. What a step drops, it drops with a reason."),
    "model": ("Models", "Under `models:` of a recipe. A model named `default` always exists."),
    "source": ("Sources", "Under `sources:` of a recipe."),
    "origin": (
        "Rows",
        "Under `rows:` of a table: where its rows come from. The kind is the key that tells it; a number alone is `n`.",
    ),
    "synthesizer": ("Synthesizers", "Under `rows: {like: ..., synthesizer: ...}`, or as classes of `lookalike`."),
    "dataset": ("Several tables", "Learned together: `lookalike.Relational` and `lookalike.mimic` of a mapping of tables."),
    "metric": ("Metrics", "In `only=` and in gates. [Metrics](metrics.md) says what each measures."),
    "exporter": ("Exporters", "`lookalike export RUN --to KIND -o PATH`; fields are given as `--set field=value`."),
    "operator": ("Operators", "In `operators:` of `augment`. `chance` is the share of the rows that one is tried on."),
}
_SHOWN = "<!-- no-run: needs what the sentence before it speaks of -->"
_GENERAL = ("help", "install_completion", "show_completion")
_EVERYWHERE = {"generator": {"when", "hidden"}, "operator": {"chance"}}


def cli_page() -> str:
    """Every command with its arguments and options."""
    commands = {name: module.app for name in COMMANDS if (module := _module(name))}
    listed = "".join(f"| [`{name}`](#lookalike-{name}) | {COMMANDS[name]} |\n" for name in commands)
    return _CLI + listed + "".join(_command(f"lookalike {name}", typer.main.get_command(app)) for name, app in commands.items())


def _module(command: str) -> ModuleType | None:
    name = f"lookalike.cli.{command}"
    return import_module(name) if find_spec(name) else None


def _command(title: str, command: Any) -> str:
    if hasattr(command, "commands"):
        return f"\n## {title}\n\n{_prose(command.help)}" + "".join(
            _command(f"{title} {name}", sub).replace("\n## ", "\n### ") for name, sub in command.commands.items()
        )
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name not in _GENERAL]
    usage = " ".join([title, *(_argument(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [f"| `{p.name.upper()}` | {_cell(getattr(p, 'help', '') or '')} | {_default(p)} |" for p in arguments]
    rows += [f"| {_names(p)} | {_cell(p.help or '')} | {_default(p)} |" for p in options]
    table = "\n| | meaning | default |\n|---|---|---|\n" + "\n".join(rows) + "\n" if rows else ""
    return f"\n## {title}\n\n{_prose(command.help)}\n```text\n{usage}\n```\n{table}"


def _argument(parameter: Any) -> str:
    name = parameter.name.upper() + ("..." if parameter.nargs != 1 else "")
    return name if parameter.required else f"[{name}]"


def _names(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return f"{names} (repeatable)" if option.multiple else names


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if getattr(parameter, "is_flag", False):
        return ("on" if value else "off") if value is not None else ""
    return "" if value in (None, "", (), []) or callable(value) else f"`{value}`"


def _prose(text: str | None) -> str:
    return f"{(text or '').strip()}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def kinds_page() -> str:
    """Every built-in kind with its meaning and fields."""
    parts = [_KINDS]
    for group, (title, intro) in GROUPS.items():
        parts.append(f"## {title}\n\n{intro}\n\n")
        own = {kind: target for kind, target in sorted(builtins(group).items()) if find_spec(target.partition(":")[0])}
        if group == "metric":
            rows = "".join(
                f"| [`{kind}`](metrics.md#{kind}) | {_cell(_page(group, kind).text.partition(chr(10) * 2)[0])} |\n"
                for kind in own
            )
            parts.append(f"| metric | what it says |\n|---|---|\n{rows}\n")
        else:
            parts += [_kind(_page(group, kind)) for kind in own]
    return "".join(parts).rstrip("\n") + "\n"


def _page(group: str, kind: str) -> Page:
    return next(page for page in api.explain(kind) if page.group == group)


def _kind(page: Page) -> str:
    text, meanings = _split(page.text)
    rows = [
        f"| `{name}` | `{_cell(type_name)}` | {'required' if default == 'required' else f'`{_cell(default)}`'} | {_cell(meanings.get(name, ''))} |"
        for name, (type_name, default) in page.fields.items()
        if name not in _EVERYWHERE.get(page.group, ())
    ]
    table = "| field | type | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n" if rows else ""
    more = REFERENCE / page.group.replace("synthesizer", "synthesizers") / f"{page.kind}.md"
    link = (
        f"[The page of `{page.kind}`](synthesizers/{page.kind}.md) says how good and how fast it is.\n\n"
        if more.is_file()
        else ""
    )
    return f"### `{page.kind}`\n\n{text}\n\n{table}{link}"


def _split(docstring: str) -> tuple[str, dict[str, str]]:
    """A Google docstring as Markdown, and its attributes: name -> meaning."""
    text: list[str] = []
    meanings: dict[str, str] = {}
    section = name = ""
    for line in docstring.splitlines():
        if re.fullmatch(r"(Attributes|Source|Example|Args|Raises):", line):
            section = line[:-1]
            text += [] if section in ("Attributes", "Example") else [f"**{section}**", ""]
        elif section == "Attributes" and (line.startswith("    ") or not line):
            found = re.match(r"    (\w+): (.*)", line)
            name = found[1] if found else name
            meanings[name] = f"{meanings.get(name, '')} {found[2] if found else line.strip()}".strip()
        else:
            section = section if line.startswith("    ") or not line else ""
            text.append(line.removeprefix("    ") if section else line)
    shown = re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip()
    return re.sub(r"(?m)^```(bash|console|python)$", rf"{_SHOWN}\n```\1 no-run", shown), meanings


PAGES = {"cli.md": cli_page, "kinds.md": kinds_page}


def main() -> int:
    """Write the pages, or say which are out of date."""
    stale = [
        name
        for name, page in PAGES.items()
        if (REFERENCE / name).is_file() is False or (REFERENCE / name).read_text() != page()
    ]
    if "--check" in sys.argv:
        for name in stale:
            print(f"docs/reference/{name} is out of date: python scripts/docs.py")
        return 1 if stale else 0
    for name in stale:
        (REFERENCE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
