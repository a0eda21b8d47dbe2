"""The generated reference pages."""

import runpy
from pathlib import Path

import pytest

import lookalike
from lookalike import errors
from lookalike.cli.app import COMMANDS
from lookalike.registry import GROUPS, builtins

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
DOCS = runpy.run_path(str(ROOT / "scripts" / "docs.py"))


@pytest.mark.parametrize("page", sorted(DOCS["PAGES"]))
def test_a_generated_page_is_what_would_be_written_now(page):
    """`python scripts/docs.py` changes nothing: the committed page is up to date."""
    assert (REFERENCE / page).read_text(encoding="utf-8") == DOCS["PAGES"][page](), "run: python scripts/docs.py"


def test_every_command_has_its_entry():
    """A command that is listed is documented."""
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\n## lookalike {name}\n" not in text] == []


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_kind_has_its_entry(group):
    """A kind that a recipe can name is documented under its group."""
    text = (REFERENCE / "kinds.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {DOCS['GROUPS'][group][0]}\n")[2].partition("\n## ")[0]
    heads = [f"| [`{kind}`](" if group == "metric" else f"\n### `{kind}`\n" for kind in builtins(group)]
    assert [head.strip() for head in heads if head not in section] == []


def test_every_metric_has_a_section_of_its_own():
    """What kinds.md links to is there."""
    text = (REFERENCE / "metrics.md").read_text(encoding="utf-8")
    assert [kind for kind in builtins("metric") if f"### `{kind}`" not in text] == []


@pytest.mark.parametrize("page", sorted(DOCS["PAGES"]))
def test_a_generated_page_shows_no_python_internals(page):
    """Types are written as people write them."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    assert not [word for word in ("<function", " at 0x", "<class", "typing.", "Annotated[") if word in text]


def test_every_error_is_in_the_tree_with_its_exit_code():
    """The page of errors names each class and the code that a shell sees."""
    text = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.LookalikeError)]
    assert [kind.__name__ for kind in classes if f"| `{kind.__name__}` | {kind.exit_code} |" not in text] == []


def test_every_public_name_is_on_the_page_of_python():
    """What `import lookalike` gives is documented."""
    text = (REFERENCE / "python.md").read_text(encoding="utf-8")
    assert [name for name in lookalike._NAMES if f"la.{name}" not in text and f"`{name}`" not in text] == []
