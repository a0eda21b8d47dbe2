"""Templates of texts and names alone are joined, not rendered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import UnknownColumn
from lookalike.generators import templates
from lookalike.generators.templates import Template

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2) | st.dates()
TEXTS = (
    "{{ a }}",
    "Say {{ a }} and {{b}}.\n",
    "  {{ a }}{{ a }}\n\n{{ b -}}  x",
    "{# a #}{{ b }}%",
    "{% raw %}{{ a }}{% endraw %}{{ a }}",
)


@given(st.sampled_from(TEXTS), VALUES, VALUES)
def test_joined_as_jinja2_would(text, a, b):
    """Whatever the cells hold, the text is the one that Jinja2 gives; a cell that looks like a template stays as it is."""
    row = {"a": a, "b": b, "_id": 3}
    joined = Template(text)
    assert joined._pieces is not None
    assert joined.render(row) == templates._ENVIRONMENT.from_string(text).render(row)


@pytest.mark.parametrize(
    "text", ["{{ a.b }}", "{{ a | upper }}", "{% if a %}x{% endif %}", "{% set a = 1 %}{{ a }}", "{{ 1 }}"]
)
def test_anything_more_is_rendered(text):
    """A field, a filter, a statement or a constant is Jinja2's."""
    assert Template(text)._pieces is None


def test_a_missing_name_is_said():
    """A name that the row does not have is named, with those that it has."""
    with pytest.raises(UnknownColumn, match=r"'b' is undefined(.|\n)*columns here: a"):
        Template("{{ a }} {{ b }}").render({"a": 1})
