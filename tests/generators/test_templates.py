"""Templates of texts and names alone are joined, not rendered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import RecipeError, UnknownColumn
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


@pytest.mark.parametrize(
    "name", ["First Name", "order-no", "class", "range", "if", "2024", "items", "keys", "Total (USD)", "Größe/cm", "it's"]
)
def test_any_column_can_be_named(name):
    """`row["..."]` reads a column whatever it is called, alone, in a filter and in a statement; what is read is known."""
    row = {name: "Al", "x": 1, "_id": 3}
    for text, said in (
        ("{{ row[NAME] }}!", "Al!"),
        ("{{ row[NAME] | upper }}", "AL"),
        ("{% if row[NAME] %}{{ x }}{% endif %}", "1"),
    ):
        template = Template(text.replace("NAME", f'"{name}"'))
        assert template.render(row) == said
        assert template.needs == {name} | ({"x"} if "x }}" in text else set())


def test_a_look_into_the_row_by_a_name_that_is_worked_out_is_refused():
    """What a template reads must be known before any row."""
    with pytest.raises(RecipeError, match="in quotes"):
        Template("{{ row[x] }}")


@pytest.mark.parametrize(
    ("text", "shown"), [("{{ First Name }}", '{{ row["First Name"] }}'), ("{{ Price % | int }}", '{{ row["Price %"] | int }}')]
)
def test_a_name_without_quotes_is_shown_as_it_is_written(text, shown):
    """The hint is a template that works."""
    with pytest.raises(RecipeError) as error:
        Template(text)
    assert shown in str(error.value)
    Template(shown)


def test_a_column_called_row_is_a_column():
    """Bare, it is read like any other; so is one that is named like the row inside."""
    assert Template("{{ row.z }} {{ _lookalike_row }}").needs == {"row", "_lookalike_row"}
    assert Template("{{ row }}").render({"row": 5}) == "5"
