"""JSON as models write it."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.generators.loose_json import loose

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
).filter(lambda value: isinstance(value, list | dict))


@given(VALUES)
def test_proper_json_is_read_as_it_is(value):
    """What needs no mending is read as any parser reads it."""
    assert loose(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1,}', {"a": 1}),
        ("{'a': 'x', 'b': [1,, 2,]}", {"a": "x", "b": [1, 2]}),
        ('{a: 1, b_c: "x"}', {"a": 1, "b_c": "x"}),
        ('{"a": "he said "yes" to me", "b": 2}', {"a": 'he said "yes" to me', "b": 2}),
        ('{"a": "he said "yes", and left", "b": 2}', {"a": 'he said "yes", and left', "b": 2}),
        ('{"a": "x"\n"b": 2}', {"a": "x", "b": 2}),
        ('["a" "b"]', ["a", "b"]),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('{"a": "tex', {"a": "tex"}),
        ('{"a": "x}', {"a": "x"}),
        ('{"a": True, "b": None, "c": undefined}', {"a": True, "b": None, "c": None}),
        ('{"a": 1 // one\n, /* two */ "b": 2}', {"a": 1, "b": 2}),
        ('{\\"a\\": \\"b\\"}', {"a": "b"}),
        ('[{"a": 1}}, {"b": 2}]', [{"a": 1}, {"b": 2}]),
        ('{"a": [1, 2}, "b": 3}', {"a": [1, 2]}),
        ('{"a": "\\alpha"}', {"a": "\\alpha"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ("{“a”: “b”}", {"a": "b"}),
        ("{'a': 'don't know'}", {"a": "don't know"}),
        ('{"a": hello world, "b": http://x/y}', {"a": "hello world", "b": "http://x/y"}),
        ('{"a": 1e999, "b": NaN}', {"a": "1e999", "b": "NaN"}),
        ('{"a": 12345678901234567890123}', {"a": 12345678901234567890123}),
        ('{"a": 1} and that is it', {"a": 1}),
    ],
)
def test_what_models_get_wrong_is_mended(text, value):
    """Quotes, commas, comments, words of other languages, and an end that is missing."""
    assert loose(text) == value


@pytest.mark.parametrize("text", ["[" * 1000, '{"a":' * 120_000, "{[]}", "[1, 2, ...]", "[" * 102 + "]" * 102])
def test_what_is_no_value_is_refused(text):
    """Depths that no table holds, a dropped middle: an error, never a guess or a deep recursion."""
    with pytest.raises(ValueError, match=r"deep|wanted"):
        loose(text)


PIECES = [
    '"',
    "'",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "a",
    "1",
    " ",
    "\n",
    "\\",
    "//",
    "/*",
    "#",
    '", ',
    '"a": ',
    '" "',
    "...",
    "“",
    "\\u",
    "-",
    "x y",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join), st.sampled_from("{["))
def test_any_text_gives_a_value_or_an_error(text, first):
    """Nothing else is raised, and what comes is JSON again."""
    try:
        value = loose(first + text)
    except ValueError:
        return
    json.dumps(value)


@pytest.mark.parametrize(
    "piece", ['text" ', '"x" ', "1,,", '\n",\n', '" "b"', "// x\n", "/* x ", "\\u", '",    ', "x # ", "[] ", '{"a":1}']
)
def test_the_work_grows_with_the_text(piece):
    """Eight times the text costs about eight times the work, not sixty-four; counted in CPU, with room for a noisy machine."""

    def cost(size):
        text = '{"a": ["' + piece * (size // len(piece))
        began = time.process_time()
        with contextlib.suppress(ValueError):
            loose(text)
        return time.process_time() - began

    small = max(min(cost(8_000) for _ in range(3)), 1e-3)
    assert min(cost(64_000), cost(64_000)) < 30 * small
