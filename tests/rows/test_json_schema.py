"""Values and their schemas: what fits, what is forgiven, what is never fetched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.rows.json_schema import chosen, forgiven, misfits, validator

SEVERITY = {"type": "string", "enum": ["low", "high"]}
LINKED = {"$defs": {"level": {"enum": ["Low", "High"]}}, "type": "object", "properties": {"a": {"$ref": "#/$defs/level"}}}


@pytest.mark.parametrize(
    ("schema", "said", "value"),
    [
        (SEVERITY, "High", "high"),
        (SEVERITY, ' "high". ', "high"),
        (SEVERITY, "The severity is **high**.", "high"),
        (LINKED, {"a": "HIGH"}, {"a": "High"}),
        ({"type": "array", "items": SEVERITY}, ["LOW", "high "], ["low", "high"]),
        ({"type": "array", "prefixItems": [SEVERITY, {"type": "integer"}]}, ["Low", "3"], ["low", 3]),
        ({"type": "object", "additionalProperties": SEVERITY}, {"x": "Low."}, {"x": "low"}),
        ({"anyOf": [SEVERITY, {"type": "null"}]}, "HIGH", "high"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "none", None),
        ({"enum": [1, 2, 3]}, "2", 2),
        ({"enum": ["a", None]}, "N/A", None),
        ({"const": "Yes"}, "yes", "Yes"),
        ({"type": "integer"}, "7.", 7),
        ({"type": "integer", "minimum": 1, "maximum": 5}, "4/5", 4),
        ({"type": "integer", "maximum": 5}, "4 out of 5", 4),
        ({"type": "number"}, "-2.5", -2.5),
        ({"type": "boolean"}, "Yes", True),
        ({"type": ["integer", "null"]}, "None", None),
        ({"type": "array", "items": {"type": "string"}}, "alone", ["alone"]),
        ({"type": "object", "required": ["a"]}, [{"a": 1}], {"a": 1}),
        ({"type": "object", "required": ["a"]}, '{"a": 1}', {"a": 1}),
    ],
)
def test_what_is_only_dressed_otherwise_is_forgiven(schema, said, value):
    """Closed sets, numbers and switches are taken in other case, in quotes, in words, wherever they stand in a schema."""
    assert misfits(said, schema)
    assert forgiven(said, schema) == value
    assert not misfits(value, schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (SEVERITY, "medium"),
        (SEVERITY, "low or high"),
        (SEVERITY, "not high"),
        ({"enum": ["a", "A"]}, "a."),
        ({"type": "number"}, "1/2"),
        ({"type": "integer", "maximum": 5}, "4/10"),
        ({"type": "integer"}, "1,234"),
        ({"type": "integer"}, "some"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "None"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "x"),
    ],
)
def test_nothing_is_guessed(schema, said):
    """What could mean two things, something else or nothing stays as it was said."""
    assert forgiven(said, schema) == said


@given(st.lists(st.text("abAB ", min_size=1).filter(str.strip), min_size=2, max_size=4, unique=True), st.data())
def test_a_choice_given_as_it_is_is_that_choice_or_none(choices, data):
    """A choice's own text never becomes another one."""
    said = data.draw(st.sampled_from(choices))
    assert chosen(said, choices) in (said, None)


@pytest.mark.parametrize("said", ["not spam", "It is not spam.", "NOT SPAM"])
def test_a_choice_that_begins_with_not_is_one(said):
    """Words that are a choice of their own are no denial of another."""
    assert chosen(said, ["spam", "not spam"]) == "not spam"


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9/x", "https://example.invalid/s.json", "file:///etc/passwd", "other.json"]
)
@pytest.mark.parametrize("place", [lambda ref: ref, lambda ref: {"properties": {"a": {"items": {"allOf": [ref]}}}}])
def test_a_schema_that_points_outside_itself_is_refused(target, place):
    """Nothing is fetched: not over the network, and not from the disk."""
    with pytest.raises(ValueError, match=r"nothing is fetched|not present"):
        validator(place({"$ref": target}))


def test_references_within_a_schema_and_to_json_schema_itself_work():
    """`#/$defs/x`, an own `$id` and the published meta-schemas need no network."""
    assert not misfits({"a": "Low"}, LINKED)
    assert misfits(3, {"$id": "http://example.invalid/a", "$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}})
    assert not misfits({"type": "string"}, {"$ref": "https://json-schema.org/draft/2020-12/schema"})
