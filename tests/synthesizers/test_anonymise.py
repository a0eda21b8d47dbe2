"""Stand-ins are valid, new, and tied to their originals when asked."""

import re

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import Unsatisfiable
from lookalike.schema.infer import infer_column
from lookalike.schema.patterns import is_card, is_ip, is_national_id
from lookalike.schema.pii import iban_valid
from lookalike.schema.types import ColumnSchema
from lookalike.synthesizers.anonymise import clip_extremes, group_rare, replacements

EMAIL = ColumnSchema("email", "email", "string", unique=True)


@pytest.mark.parametrize(
    ("semantic", "test"),
    [
        ("iban", iban_valid),
        ("card", is_card),
        ("ip", is_ip),
        ("national_id", is_national_id),
        ("email", lambda t: t.count("@") == 1),
    ],
)
def test_stand_ins_pass_their_own_checks(semantic, test):
    """Check digits and shapes of new values hold, and no two are equal."""
    values = replacements(ColumnSchema("x", semantic, "string", unique=True), 500, 1).to_pylist()
    assert all(map(test, values))
    assert len(set(values)) == 500


@pytest.mark.parametrize(
    "originals",
    [
        [f"{i * 7919:08d}" + "TRWAGMYFPDXBNJZSQVHLCKE"[i * 7919 % 23] for i in range(400)],
        [f"{i:03d}-45-{i + 1:04d}" for i in range(1, 400)],
    ],
)
def test_national_ids_are_new_and_their_check_signs_hold(originals):
    """Stand-ins of national ids with a check sign are valid ones of the same writing, and nobody's in the table."""
    values = pa.chunked_array([originals])
    column = infer_column("ssn", values)
    made = replacements(column, 200, 0, like=values).to_pylist()
    assert all(map(is_national_id, made))
    assert {len(value) for value in made} == {len(originals[0])}
    assert len(set(made) & set(originals)) <= 2


def test_seeds_repeat_and_differ():
    """A seed decides every value."""
    first = replacements(EMAIL, 50, 3)
    assert first.equals(replacements(EMAIL, 50, 3))
    assert not first.equals(replacements(EMAIL, 50, 4))


def test_patterns_and_sequences_are_kept():
    """New identifiers match the old ones' pattern and are unique; a sequence stays one."""
    refs = pa.chunked_array([[f"AB-{i:05d}" for i in range(300)]])
    column = infer_column("ref", refs)
    made = replacements(column, 300, 0, like=refs).to_pylist()
    assert all(re.fullmatch(r"AB-\d{5}", value) for value in made)
    assert len(set(made)) == 300
    keys = pa.chunked_array([np.arange(100, 400)])
    assert replacements(infer_column("id", keys), 5, 0, like=keys).to_pylist() == [100, 101, 102, 103, 104]


def test_too_few_patterns_are_an_error():
    """A unique column cannot have more rows than its pattern has values."""
    with pytest.raises(Unsatisfiable, match="fewer than 50"):
        replacements(ColumnSchema("x", "id", "string", format="[0-9]", unique=True), 50, 0)


def test_repetition_and_gaps_are_kept():
    """A reference that repeats ten times repeats about as often, and gaps are as common."""
    draws = np.random.default_rng(0)
    people = [f"P{i:06d}" for i in range(200)]
    values = pa.array([None if draws.random() < 0.3 else people[draws.integers(0, 200)] for _ in range(2000)])
    column = infer_column("person_id", pa.chunked_array([values]))
    made = replacements(column, 2000, 0, like=values)
    assert 500 < made.null_count < 700
    assert 150 < len(set(made.to_pylist())) < 210
    assert not set(made.to_pylist()) & set(people) - {None}


def test_prose_keeps_no_rare_word():
    """Words that fewer than five rows have never come back."""
    rows = [f"the patient came with pain in the leg and secret{i} left" for i in range(200)]
    column = ColumnSchema("note", "text", "string")
    made = replacements(column, 200, 0, like=pa.array(rows)).to_pylist()
    assert not any("secret" in text for text in made)
    assert any("patient" in text for text in made)


def test_nested_cells_keep_their_shape():
    """Objects keep keys, types and ranges."""
    cells = pa.array([{"a": i % 9, "b": ["x", "y"][: i % 3], "c": "red" if i % 2 else "blue"} for i in range(100)])
    column = ColumnSchema("cell", "json", str(cells.type))
    made = replacements(column, 100, 0, like=cells)
    assert made.type == cells.type
    assert {cell["c"] for cell in made.to_pylist()} == {"red", "blue"}
    assert all(0 <= cell["a"] <= 8 and len(cell["b"]) <= 2 for cell in made.to_pylist())


def test_rare_categories_and_extremes_are_hidden():
    """Fewer than k rows become other; the ends are drawn in or spread."""
    grouped = group_rare(pa.array(["a"] * 9 + ["b"] * 2 + [None]), 5).to_pylist()
    assert grouped == ["a"] * 9 + ["other"] * 2 + [None]
    values = np.concatenate([np.arange(1000.0), [1e9]])
    assert clip_extremes(values, 0.01).max() < 1000
    assert clip_extremes(values, 0.01, smooth=True).max() < 1000
    assert len(np.unique(clip_extremes(values, 0.01, smooth=True)[-10:])) == 10


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(12, 0), pa.int32()])
def test_keys_of_any_number_type_are_numbered_anew(kind):
    """Keys that a missing value turned into floats, or a database into decimals, come back as whole numbers of their type."""
    keys = pa.array([None if i == 7 else 3 * i for i in range(90)], kind)
    column = infer_column("customer_id", pa.chunked_array([keys]))
    made = replacements(column, 40, 0, like=keys)
    assert column.semantic == "id"
    assert made.type == kind
    assert all(value == int(value) for value in made.drop_null().to_pylist())
