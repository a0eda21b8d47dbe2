"""What names of a recipe may be made of, and how that is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

_WORD = r"^[\p{L}_][\p{L}\p{M}\p{N}_.\- ]*$"
# signs that join or part letters and are not seen themselves belong to words of Persian, Hindi ...
_ANY = r"^[^\p{C}\s](([^\p{C}]|[\u00AD\u200C-\u200F])*[^\p{C}\s])?$"
_FILE = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"

Name = Annotated[str, Field(pattern=_WORD, max_length=200)]
ColumnName = Annotated[str, Field(pattern=_ANY, max_length=200)]  # whatever a real table calls it
FileName = Annotated[str, Field(pattern=_FILE, max_length=100)]

RULES: dict[str, str] = {
    _WORD: "begin with a letter; go on with letters, digits, blanks, `_`, `.` and `-`",
    _ANY: "use any signs, but no line breaks, and no blank at either end",
    _FILE: "it names files: use letters from a to z, digits, `_`, `.` and `-`",
}
"""Pattern -> what to write instead."""


def spelled(name: str) -> str:
    """A column as a template names it: bare, or by `row["..."]` where its name is no word."""
    return name if name.isidentifier() else f"row[{json.dumps(name, ensure_ascii=False)}]"


def quoting(word: str, names: Iterable[str]) -> str:
    """How to write the column that somebody wrote without quotes, where `word` is a part of its name; empty: there is none."""
    found = sorted(name for name in names if not name.isidentifier() and word in re.split(r"\W+", name))
    if not found:
        return ""
    quoted = '"' + found[0].replace('"', '""') + '"'
    return f"the column {found[0]!r} is written {{{{ {spelled(found[0])} }}}} in a template and {quoted} in a condition"
