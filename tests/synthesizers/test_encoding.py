"""Arrow columns to codes and back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import SchemaError
from lookalike.schema.types import ColumnSchema
from lookalike.synthesizers import encoding


def round_trip(column: ColumnSchema, values: pa.Array, k: int = 5) -> pa.Array:
    coding, codes = encoding.learn(column, values, k=k)
    return encoding.decode(coding, codes, np.full(len(codes), 0.5))


@pytest.mark.parametrize(
    ("semantic", "values"),
    [
        ("integer", pa.array([1, 2, 2, None, 9] * 5)),
        ("integer", pa.array([1, 200, 7] * 5, pa.uint8())),
        ("decimal", pa.array([0.5, 1.25, None, np.inf] * 5)),
        ("category", pa.array(["a", "b", None, "ä"] * 5)),
        ("boolean", pa.array([True, False, None] * 5)),
        ("date", pa.array([dt.date(1500, 1, 1), dt.date(2999, 12, 31), None] * 5)),
        ("time", pa.array([dt.time(3, 4), dt.time(5)] * 5)),
        ("duration", pa.array([90, 30, None] * 5, pa.duration("s"))),
        (
            "datetime",
            pa.array([1_577_854_800_000_000, None, -4_857_494_400_000_000] * 5, pa.timestamp("us", tz="Asia/Tokyo")),
        ),
        ("decimal", pa.array([Decimal("1.20"), Decimal("-3.45")] * 5, pa.decimal128(9, 2))),
        ("empty", pa.nulls(4)),
        ("empty", pa.array([None, None], pa.string())),
    ],
)
def test_shared_values_come_back_exactly(semantic, values):
    """Every value that k rows share comes back as it was, in its Arrow type, nulls included."""
    column = ColumnSchema("c", semantic, str(values.type), decimals=2 if semantic == "decimal" else None)
    assert round_trip(column, values).equals(values)


def test_texts_of_dates_and_numbers_keep_their_writing():
    """Dates and numbers written as text are learned as such and written in the same way."""
    dates = pa.array(["03/02/2021", "17/12/2020", None] * 5)
    assert round_trip(ColumnSchema("d", "date", "string", format="%d/%m/%Y"), dates).equals(dates)
    prices = pa.array(["1.50", "20.00", None] * 5)
    assert round_trip(ColumnSchema("p", "decimal", "string", decimals=2, format="0.00"), prices).equals(prices)
    loose = pa.array(["1.5", "20", "3.25"] * 5)
    assert round_trip(ColumnSchema("p", "decimal", "string", decimals=2, format="0.##"), loose).equals(loose)


def test_dictionaries_come_back_as_their_values():
    """A dictionary column is learned by its values, whatever its indices are."""
    values = pa.array(["x", "y", "x", None] * 3).dictionary_encode()
    column = ColumnSchema("c", "category", str(values.type))
    assert round_trip(column, values).to_pylist() == values.to_pylist()


@settings(max_examples=60)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=300), st.integers(1, 9))
def test_cells_cover_every_value_and_hold_k_rows(numbers, k):
    """Every value lies in its own cell; a cell that is no atom and is not squeezed between two atoms holds k rows."""
    values = pa.array(numbers, pa.int64())
    coding, codes = encoding.learn(ColumnSchema("n", "integer", "int64"), values, k=k)
    ticks = encoding.ticks_of(coding, values)
    assert ((coding.low[codes - 1] <= ticks) & (ticks <= coding.high[codes - 1])).all()
    assert (np.diff(coding.low) > 0).all()
    counts = np.bincount(codes, minlength=coding.size)[1:]
    loose = coding.low < coding.high
    atoms = ~loose & (counts >= k)
    for cell in np.flatnonzero(loose & (counts < k)):
        beside = [i for i in (cell - 1, cell + 1) if 0 <= i < len(counts)]
        assert all(atoms[i] for i in beside)


def test_continuous_values_do_not_come_back():
    """Of a continuous column, fewer than one in a hundred decoded values equal a real one, and ranks stay."""
    real = np.random.default_rng(0).normal(size=2000)
    coding, codes = encoding.learn(ColumnSchema("x", "decimal", "double"), pa.array(real))
    out = encoding.decode(coding, codes, np.random.default_rng(1).random(2000)).to_numpy()
    assert np.isin(out, real).mean() < 0.01
    assert np.abs(out - real).max() < 1.0
    assert np.corrcoef(np.argsort(np.argsort(out)), np.argsort(np.argsort(real)))[0, 1] > 0.999


def test_chance_makes_no_atom():
    """Of thousands of numbers, one that stands out by chance shares a cell; a true spike keeps its value."""
    real = np.random.default_rng(0).integers(0, 3000, 6000)
    real[:100] = 1234
    coding, codes = encoding.learn(ColumnSchema("x", "integer", "int64"), pa.array(real), k=5)
    atoms = coding.low[coding.low == coding.high] + coding.grid.base
    assert 1234 in atoms
    assert (np.unique(real, return_counts=True)[1] >= 5).sum() > 100
    assert len(atoms) < 20
    assert np.bincount(codes)[1:].sum() == 6000


def test_row_order_does_not_change_the_coding():
    """The same rows in another order give the same levels."""
    values = np.array(["b", "a", "c", "b", "a", "d"], object)
    one, _ = encoding.learn(ColumnSchema("c", "category", "string"), pa.array(values))
    two, _ = encoding.learn(ColumnSchema("c", "category", "string"), pa.array(values[::-1]))
    assert one.levels.equals(two.levels)
    assert one.levels.to_pylist() == ["a", "b", "c", "d"]


def test_unseen_values_are_told():
    """Other tables are coded by the nearest cell, and what was never seen is marked."""
    coding, _ = encoding.learn(ColumnSchema("n", "integer", "int64"), pa.array([1, 5, 9] * 6))
    codes, new = encoding.encode(coding, pa.array([1, 6, 100, None]))
    assert codes.tolist() == [1, 2, 3, 0]
    assert new.tolist() == [False, True, True, False]
    coding, _ = encoding.learn(ColumnSchema("c", "category", "string"), pa.array(["a", "b"]))
    codes, new = encoding.encode(coding, pa.array(["b", "z", None]))
    assert new.tolist() == [False, True, False]


def test_cells_of_another_kind_are_refused():
    """Texts where numbers were learned are an error that names the column."""
    coding, _ = encoding.learn(ColumnSchema("price", "decimal", "double"), pa.array([1.0, 2.0] * 6))
    with pytest.raises(SchemaError, match="price"):
        encoding.encode(coding, pa.array(["cheap"]))


@pytest.mark.parametrize("semantic", ["integer", "category", "decimal"])
def test_dump_and_parse_keep_everything(semantic):
    """A coding that was saved decodes to the same values."""
    values = {
        "integer": pa.array([3, 4, 8, 12] * 9),
        "category": pa.array([b is not None and f"v{b}" for b in range(36)]),
        "decimal": pa.array(np.random.default_rng(0).normal(size=36).round(2)),
    }[semantic]
    column = ColumnSchema("c", semantic, str(values.type), decimals=2)
    coding, codes = encoding.learn(column, values)
    again = encoding.parse(column, *encoding.dump(coding))
    places = np.random.default_rng(1).random(len(codes))
    assert encoding.decode(again, codes, places).equals(encoding.decode(coding, codes, places))


def test_a_heavy_tail_keeps_its_mean():
    """The last cell of a tail is wide; values decoded from it keep the tail's mean to within a fifth."""
    real = np.random.default_rng(3).pareto(1.5, 5000)
    coding, codes = encoding.learn(ColumnSchema("x", "decimal", "double"), pa.array(real))
    out = encoding.decode(coding, codes, np.random.default_rng(1).random(5000)).to_numpy()
    assert abs(np.sort(out)[-50:].mean() / np.sort(real)[-50:].mean() - 1) < 0.2


@pytest.mark.parametrize(
    "values",
    [
        pa.array([-(2**63), 2**63 - 1, 0, 7] * 9, pa.int64()),
        pa.array([2**64 - 1, 0, 2**63 + 5, 1] * 9, pa.uint64()),
        pa.array(np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 400)),
    ],
)
def test_the_largest_whole_numbers_stay_in_range(values):
    """Whole numbers over the whole range of 64 bits come back within one part in 10**15, in order and type."""
    out = round_trip(ColumnSchema("n", "integer", str(values.type)), values, k=1)
    assert out.type == values.type
    real, made = (np.array(a.to_pylist(), float) for a in (values, out))
    assert np.abs(real - made).max() <= 2.0**12
