"""Pages of kinds: what a class says of itself, and what it inherits."""

from __future__ import annotations

import re

import pytest

from lookalike.recipe.pages import explain
from lookalike.registry import kinds


def entries(text):
    """The names that a page's attributes describe, in order."""
    listed = re.search(r"(?m)^Attributes:\n((?:    .*\n?)+)", text)
    return re.findall(r"(?m)^    (\w+): ", listed[1]) if listed else []


@pytest.mark.parametrize("kind", sorted({*kinds("operator"), *kinds("step")}))
def test_every_field_is_described_once(kind):
    """A field has one meaning, in the class's docstring or in that of the class which it comes from."""
    for page in explain(kind):
        described = entries(page.text)
        assert len(set(described)) == len(described)
        assert page.group not in ("operator", "step") or set(described) == set(page.fields)


def test_inherited_fields_follow_the_own_ones():
    """Before the source, with the meaning that the base class gives them."""
    (page,) = explain("swap_words")
    assert entries(page.text) == ["rate", "chance"]
    assert page.text.index("chance: ") < page.text.index("Source:")
    assert "    Wei and Zou 2019" in page.text
    assert entries(explain("casing")[0].text) == ["chance", "severity", "rate"]  # it has no attributes of its own
