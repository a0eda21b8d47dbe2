"""What is missing is named with the command that brings it."""

import re
import tomllib
from pathlib import Path

import pytest

from lookalike.errors import MissingExtra
from lookalike.optional import require

ROOT = Path(__file__).parents[1]


def test_a_missing_package_says_what_to_install():
    """An extra of ours where there is one, else the package."""
    with pytest.raises(MissingExtra, match=r"pip install 'lookalike\[sql\]'"):
        require("no_such_package", extra="sql")
    with pytest.raises(MissingExtra, match=r"pip install no_such_package$"):
        require("no_such_package.part")


def test_every_extra_that_is_named_exists_and_is_explained():
    """No error and no page names an extra that pip would not know, and the install page explains each that code asks for."""
    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = {m for f in (ROOT / "src").rglob("*.py") for m in re.findall(r'extra="([a-z]+)"', f.read_text(encoding="utf-8"))}
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py")]
    named |= {m for f in pages for m in re.findall(r"lookalike\[([a-z]+)\]", f.read_text(encoding="utf-8"))}
    explained = set(
        re.findall(r"^\| `([a-z]+)` \|", (ROOT / "docs/learn/install.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named -= {"forbid"}  # pydantic's word
    assert named <= explained <= known
