"""Code taken out of replies, and read as what it should be."""

import pytest

from lookalike.generators.code_blocks import CHECKS, code_in, language, read_code
from lookalike.generators.reading import Unfit

GOOD = {
    "python": "def f(x: int) -> str:\n    return f'{x!r}'",
    "sql": "WITH t AS (SELECT 1 AS a) SELECT a FROM t WHERE a > 0;",
    "json": '{"a": [1, null]}',
    "jsonl": '{"a": 1}\n\n[2]',
    "yaml": "a: !Ref b\n---\n- 1\n- x",
    "toml": "[a]\nb = 1979-05-27",
    "xml": '<?xml version="1.0"?>\n<a b="c"><d/></a>',
    "regex": r"(?P<year>\d{4})-\d\d",
}
BAD = {
    "python": "def f(:",
    "sql": "SELEC 1",
    "json": "{'a': 1}",
    "jsonl": '{"a": 1}\n{"a": ',
    "yaml": "a: [1, 2",
    "toml": "a = ",
    "xml": "<a><b></a>",
    "regex": "(a",
}


def test_every_language_that_is_checked_is_tried_here():
    """A new one comes with its two lines."""
    assert set(GOOD) == set(BAD) == set(CHECKS)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_what_parses_is_taken_and_what_does_not_is_told(name):
    """Out of a fence among prose, or bare; the reason names the language."""
    read = read_code(name)
    assert read(f"Sure! Here it is:\n\n```{name}\n{GOOD[name]}\n```\nHope it helps.") == GOOD[name]
    assert read(GOOD[name]) == GOOD[name]
    with pytest.raises(Unfit, match=f"the {name} code does not parse: "):
        read(f"```{name}\n{BAD[name]}\n```")


@pytest.mark.parametrize("name", sorted(set(CHECKS) - {"regex"}))
def test_prose_is_no_code(name):
    """A reply without code is asked again; only regular expressions, and YAML by a colon, look like prose."""
    with pytest.raises(Unfit, match="does not parse"):
        read_code(name)("I would rather explain it. First, you open the file.")


@pytest.mark.parametrize(
    ("given", "own"), [("py", "python"), ("Python3", "python"), ("yml", "yaml"), ("postgres", "sql"), ("C++", "cpp")]
)
def test_a_language_has_many_names(given, own):
    """However a recipe or a fence calls it."""
    assert language(given) == own
    assert code_in(f"```text\nno\n```\n```{given}\ncode\n```", own) == "code"


def test_the_fence_of_the_language_counts_and_not_one_that_begins_alike():
    """Java is not JavaScript, C not C++."""
    text = "```javascript\nlet a\n```\n```java\nint a;\n```\n~~~cpp\nint b;\n~~~\n```c\nint c;\n```"
    assert [code_in(text, name) for name in ("java", "javascript", "c", "cpp")] == ["int a;", "let a", "int c;", "int b;"]


def test_a_fence_inside_the_code_does_not_end_it():
    """A longer fence holds a shorter one, as models write Markdown."""
    assert code_in("````markdown\n# A\n```python\nx\n```\n````", "markdown") == "# A\n```python\nx\n```"


def test_code_of_other_languages_is_taken_as_it_is():
    """No parser for it is here: what the fence holds is the cell."""
    assert read_code("rust")("```rust\nfn main( {\n```") == "fn main( {"
    with pytest.raises(Unfit, match="no code"):
        read_code("rust")("```rust\n\n```")


def test_a_typing_error_is_no_language_of_its_own():
    """It would be taken without a check, in silence."""
    with pytest.raises(ValueError, match="did you mean 'python'"):
        language("pyhton")


def test_an_entity_bomb_is_refused_quickly():
    """XML of nested entities, a billion characters long, does not parse."""
    levels = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    with pytest.raises(Unfit, match="does not parse"):
        read_code("xml")(f'<!DOCTYPE x [<!ENTITY a "{"ha" * 10}">{levels}]><x>&j;</x>')
