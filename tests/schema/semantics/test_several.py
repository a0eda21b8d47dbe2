"""Texts of several numbers are found, learned as numbers and written in their form."""

import numpy as np
import pyarrow as pa
import pytest

import lookalike as la
from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.several import find_shape, parse_shape

G = np.random.default_rng(0)
N = 200
TEXTS = {
    "range": [f"{low}-{low + more}" for low, more in zip(G.integers(0, 90, N), G.integers(0, 30, N), strict=True)],
    "coordinates": [f"{a:.4f}, {b:.4f}" for a, b in zip(G.uniform(-48, 49, N), G.uniform(-2, 3, N), strict=True)],
    "version": [
        f"{a}.{b}.{c}" for a, b, c in zip(G.integers(1, 5, N), G.integers(0, 20, N), G.integers(0, 50, N), strict=True)
    ],
    "": [f"{a}/{b}" for a, b in zip(G.integers(90, 130, N), G.integers(50, 75, N), strict=True)],
}
FORMS = {"range": "0-0", "coordinates": "0.0000, 0.0000", "version": "0.0.0", "": "0/0"}


@pytest.mark.parametrize("unit", TEXTS)
def test_shapes_are_found_and_written(unit):
    """The shape and what it means are known; codes give the same texts again."""
    found = find_shape(TEXTS[unit])
    assert found is not None
    assert (found[0].text, found[1]) == (FORMS[unit], unit)
    assert parse_shape(FORMS[unit]) == found[0]
    column = la.look(pa.table({"c": TEXTS[unit]}))["c"]
    assert (column.semantic, column.format, column.unit) == ("several", FORMS[unit], unit)
    kind = semantic_of(column)
    assert kind.stored(kind.numbers(pa.array(TEXTS[unit]))).to_pylist() == TEXTS[unit]


@pytest.mark.parametrize("method", ["forest", "copula"])
@pytest.mark.parametrize("unit", TEXTS)
def test_new_cells_are_such_things(unit, method):
    """Drawn cells have the shape, ranges do not run backwards, and numbers stay where the real ones are."""
    table = pa.table({"c": TEXTS[unit], "x": np.arange(N) % 9})
    made = la.fit(table, synthesizer=method).sample(150)["c"].to_pylist()
    shape = parse_shape(FORMS[unit])
    real, (numbers, missing) = shape.read(pa.array(TEXTS[unit]))[0], shape.read(pa.array(made))
    assert not missing.any()
    if unit == "range":
        assert (numbers[0] <= numbers[1]).all()
    for drawn, known in zip(numbers, real, strict=True):
        assert abs(np.median(drawn) - np.median(known)) <= known.std()


def test_versions_are_compared_by_their_numbers():
    """1.10.0 comes after 1.9.9."""
    version = semantic_of(la.look(pa.table({"c": TEXTS["version"]}))["c"])
    assert version.parse("1.10.0") > version.parse("1.9.9")


@pytest.mark.parametrize(
    "texts", [["1-007", "2-123"], ["1-2", "1/2"], ["a1b2", "a1c2"], ["12", "13"], ["1-2-3-4-5", "2-3-4-5-6"]]
)
def test_codes_are_no_numbers(texts):
    """Codes, texts of different signs and single numbers are not several numbers."""
    assert find_shape(texts) is None
