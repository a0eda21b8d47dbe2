"""Cells become exact numbers and the same cells again, whatever Arrow stores them as."""

from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.schema.semantics.grid import TickGrid
from lookalike.schema.semantics.numbers import Numbers, numbers_of, stored, unit_of

WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
MOMENTS = [
    *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Kathmandu")),
    *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
]
DECIMALS = [pa.decimal32(9, 2), pa.decimal64(18, 4), pa.decimal128(20, 0), pa.decimal128(38, 9), pa.decimal256(76, 30)]


@st.composite
def cells(draw):
    """A column of any exact type, from end to end of what it holds."""
    kind = draw(st.sampled_from([*WHOLE, *MOMENTS, *DECIMALS]))
    if pa.types.is_decimal(kind):
        most = 10**kind.precision - 1
        values = st.integers(-most, most).map(lambda whole: Decimal(whole).scaleb(-kind.scale, Context(prec=90)))
        return pa.array(draw(st.lists(st.none() | values, min_size=1, max_size=8)), kind)
    low, high = (
        (np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max) if kind in WHOLE else (-(2**63), 2**63 - 1)
    )
    values = draw(st.lists(st.none() | st.integers(int(low), int(high)), min_size=1, max_size=8))
    return pa.array(values, kind if kind in WHOLE else pa.int64()).cast(kind)


@given(cells())
def test_cells_come_back_to_the_last_digit(column):
    """Numbers of cells, and ticks of numbers on the coarsest grid, give the same cells again."""
    numbers = numbers_of(column)
    assert stored(numbers, column.type).equals(column)
    grid = TickGrid.parse(TickGrid.of(numbers).dump())
    ticks = grid.ticks(numbers)
    back = grid.numbers(ticks, numbers.missing)
    assert stored(back, column.type).equals(column)


@given(
    st.lists(st.integers(-(10**7), 10**7), min_size=1),
    st.integers(0, 6),
    st.sampled_from([pa.float64(), pa.float32(), pa.float16()]),
)
def test_floats_with_few_digits_come_back(wholes, digits, kind):
    """Floats that a few digits write exactly come back as the same floats."""
    if kind != pa.float64():
        wholes = [whole % 900 for whole in wholes]
    column = pa.array([kind.to_pandas_dtype()(whole / 10**digits) for whole in wholes], kind)
    assert stored(numbers_of(column, digits), kind, digits).equals(column)


def test_what_is_infinite_or_missing_is_kept():
    """Infinite numbers stay beside others; NaN is missing."""
    column = pa.array([1.25, float("inf"), float("-inf"), None, float("nan")])
    numbers = numbers_of(column, 2)
    assert numbers.missing.tolist() == [False, False, False, True, True]
    assert stored(numbers, pa.float64(), 2).to_pylist() == [1.25, float("inf"), float("-inf"), None, None]


def test_a_grid_is_the_coarsest():
    """Multiples of 25 have steps of 25, days in nanoseconds have days."""
    assert TickGrid.of(numbers_of(pa.array([2500, 25, 975]))).step == 25
    days = pa.array([1, 8, 22], pa.date32()).cast(pa.timestamp("ns"))
    assert TickGrid.of(numbers_of(days)) == TickGrid(86_400 * 10**9, 7 * 86_400 * 10**9)


def test_numbers_beyond_a_type_are_its_ends():
    """What noise draws beyond a type is the type's largest or smallest value."""
    far = Numbers(np.array([-400, 400]), np.zeros(2, bool))
    assert stored(far, pa.int8()).to_pylist() == [-128, 127]
    assert stored(far, pa.decimal128(2, 1)).to_pylist() == [Decimal("-9.9"), Decimal("9.9")]
    assert stored(far, pa.uint64()).to_pylist() == [0, 400]


@pytest.mark.parametrize(
    ("kind", "digits", "unit"),
    [
        (pa.int64(), None, Fraction(1)), (pa.float64(), 2, Fraction(1, 100)), (pa.decimal128(9, -3), None, Fraction(1000)),
        (pa.date32(), None, Fraction(86_400)), (pa.date64(), None, Fraction(1, 1000)), (pa.duration("ns"), None, Fraction(1, 10**9)),
    ],
)  # fmt: skip
def test_a_whole_is_so_much(kind, digits, unit):
    """One whole is the last digit, or so many seconds."""
    assert unit_of(kind, digits) == unit
