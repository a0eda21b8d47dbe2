"""What somebody typed is read by a column's type, and columns of one quantity are compared and moved exactly."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import SchemaError
from lookalike.schema.semantics import KINDS, semantic_of
from lookalike.schema.semantics.arithmetic import aligned, comparable, placed
from lookalike.schema.types import ColumnSchema


def meant(semantic, arrow, **more):
    return semantic_of(ColumnSchema("c", semantic, arrow, **more))


@pytest.mark.parametrize(
    ("semantic", "asked", "stored"),
    [
        (meant("integer", "int64"), 639214054379127927, 639214054379127927),
        (meant("integer", "int64"), "12", 12),
        (meant("decimal", "double", decimals=2), "1.25", 1.25),
        (meant("decimal", "decimal128(20, 2)"), 3, Decimal("3.00")),
        (meant("decimal", "string", format="$#,##0.00"), 1234.5, "$1,234.50"),
        (meant("decimal", "string", format="#.##0,00 €"), "1.234,50 €", "1.234,50 €"),
        (meant("date", "string", format="%m/%d/%Y"), "2020-06-05", "06/05/2020"),
        (meant("date", "string", format="%m/%d/%Y"), "06/05/2020", "06/05/2020"),
        (meant("date", "date32[day]"), dt.date(2020, 6, 5), dt.date(2020, 6, 5)),
        (meant("date", "int64", format="%Y%m%d"), dt.date(2020, 6, 5), 20200605),
        (meant("datetime", "timestamp[ns]"), np.datetime64("2020-06-05T01:02:03.123456789"), 1591318923123456789),
        (meant("duration", "duration[s]"), dt.timedelta(minutes=2), dt.timedelta(minutes=2)),
        (meant("duration", "string", format="[h]:mm"), "PT90M", "1:30"),
        (meant("time", "string", format="%H:%M"), "07:05", "07:05"),
        (meant("category", "int64"), "7", 7),
        (meant("category", "string"), 7, "7"),
        (meant("boolean", "bool"), "yes", True),
    ],
)
def test_what_is_typed_becomes_a_cell(semantic, asked, stored):
    """Numbers, moments and texts of them become cells in the column's own type and form."""
    cell = semantic.cells([asked, None])
    assert cell.type == semantic.kind
    made = cell.cast(pa.int64()) if pa.types.is_timestamp(cell.type) else cell
    assert made.to_pylist() == [stored, None]


@pytest.mark.parametrize(
    ("semantic", "asked", "form"),
    [
        (meant("date", "string", format="%m/%d/%Y"), "hello", "%m/%d/%Y"),
        (meant("integer", "int64"), "many", "int64"),
        (meant("integer", "int64"), 2.5, "int64"),
        (meant("decimal", "string", format="$#,##0.00"), "five", "$#,##0.00"),
        (meant("boolean", "bool"), "perhaps", "bool"),
        (meant("duration", "duration[s]"), "long", "duration[s]"),
    ],
)
def test_what_cannot_be_read_is_refused(semantic, asked, form):
    """A value that is no such thing is refused, and the error names the form."""
    with pytest.raises(SchemaError) as error:
        semantic.cells([asked])
    assert form in str(error.value)


def test_ordered_levels_have_places():
    """Levels of an ordered category are compared by their places; others have none."""
    size = meant("category", "string", order=("lo", "mid", "hi"))
    assert size.parse("hi") > size.parse("mid")
    assert size.numbers(pa.array(["hi", None, "lo"])).whole.tolist() == [2, 0, 0]
    assert size.stored(size.numbers(pa.array(["hi", None, "lo"]))).to_pylist() == ["hi", None, "lo"]
    with pytest.raises(SchemaError, match="no order"):
        meant("category", "string").numbers(pa.array(["a"]))


def test_columns_of_one_quantity_are_compared_in_one_unit():
    """Dates in texts, dates and timestamps are compared exactly; a date and a price are not."""
    text, day = meant("date", "string", format="%d.%m.%Y"), meant("date", "date32[day]")
    pair = aligned(text, pa.array(["02.01.1970", None]), day, pa.array([dt.date(1970, 1, 2)] * 2))
    assert (pair.left == pair.right).tolist() == [True, False]
    assert pair.missing.tolist() == [False, True]
    price = meant("decimal", "double", decimals=2)
    assert comparable(text, day)
    assert not comparable(text, price)
    with pytest.raises(SchemaError, match="cannot be compared"):
        aligned(text, pa.array(["02.01.1970"]), price, pa.array([1.0]))


def test_sums_land_on_the_last_digit():
    """Cents and mills add up exactly, and are written with the digits of where they land."""
    cents, mills = meant("decimal", "double", decimals=2), meant("decimal", "decimal128(9, 3)")
    pair = aligned(cents, pa.array([0.1, 0.29]), mills, pa.array([Decimal("0.200"), Decimal("0.005")]))
    assert pair.unit == Fraction(1, 1000)
    assert placed(mills, pair.left + pair.right, pair.unit, pair.missing).to_pylist() == [Decimal("0.300"), Decimal("0.295")]
    assert placed(cents, pair.left + pair.right, pair.unit, pair.missing).to_pylist() == [0.3, 0.3]


def test_floats_are_seconds_or_ones():
    """Floats of every quantity are in its own unit, NaN where missing."""
    assert meant("date", "date32[day]").floats(pa.array([1, None], pa.int32()).cast(pa.date32())).tolist()[0] == 86_400
    assert np.isnan(meant("integer", "int64").floats(pa.array([1, None]))[1])
    assert meant("decimal", "string", format="0.0%").floats(pa.array(["12.5%"])).tolist() == [12.5]


def test_every_type_says_how_it_is_learned_and_measured():
    """Each semantic type has one class, which says how it is learned and measured."""
    for name, kind in KINDS.items():
        assert kind.learned in ("number", "level", "anew"), name
        assert kind.measured in ("number", "time", "category", "text", "id", "empty"), name
    with pytest.raises(SchemaError, match="no semantic type"):
        meant("colour", "string")
