"""Cells become as coarse as it takes for enough rows to share them, and no coarser."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import SchemaError
from lookalike.schema.generalise import generalise, rows_that_share
from lookalike.schema.infer import infer


def _made(values, name="c", k=5, *, arrow=None):
    table = pa.table({name: pa.array(values, arrow)})
    return generalise(table, infer(table), k)


def test_days_become_months_in_their_own_type():
    """400 days of one row each are months of about thirty; the few days of the first month go to the nearest that is shared."""
    days = [date(2023, 1, 30) + timedelta(days=i) for i in range(400)]
    found = _made(days, k=10)
    assert found.table["c"].type == pa.date32()
    assert {day.day for day in found.table["c"].to_pylist()} == {1}
    assert min(found.table["c"].to_pylist()) == date(2023, 2, 1)
    (change,) = found.changes
    assert str(change).startswith("c: days became months, each shared by 10 rows at least (")


def test_days_that_many_share_stay_days():
    """What is shared already says nothing of anybody."""
    found = _made([date(2024, 1, 1 + i % 5) for i in range(100)], k=10)
    assert not found.changes


def test_dates_written_as_text_keep_their_form():
    """A day as `%d.%m.%Y` is coarser in the same form."""
    days = [(date(2020, 1, 1) + timedelta(days=i)).strftime("%d.%m.%Y") for i in range(600)]
    made = _made(days, k=10).table["c"].to_pylist()
    assert made[:2] == ["01.01.2020", "01.01.2020"]
    assert all(text.startswith("01.") for text in made)


@pytest.mark.parametrize("arrow", [pa.string(), pa.large_string()])
def test_postal_codes_lose_as_many_digits_as_it_takes(arrow):
    """A town keeps its whole code, villages share an area."""
    made = _made(["10115"] * 6 + ["99711", "99712", "99713", "99714", "99725"], name="zip", arrow=arrow).table["zip"]
    assert made.type == arrow
    assert made.to_pylist() == ["10115"] * 6 + ["997xx"] * 5 or made.to_pylist() == ["10115"] * 6 + ["9971x"] * 4 + ["997xx"]


def test_postal_codes_that_are_numbers_end_in_zeros():
    """A CSV without leading zeros reads them as numbers, and they stay numbers."""
    made = _made([10115] * 6 + [99711, 99712, 99713, 99714, 99715], name="plz").table["plz"].to_pylist()
    assert made == [10115] * 6 + [99710] * 5


def test_rare_levels_become_one_that_enough_rows_hold():
    """Two levels of two rows are together fewer than five: the next rarest goes with them; a level called `other` is not joined."""
    found = _made(["a"] * 20 + ["other"] * 20 + ["x", "x", "y", "y"] + ["z"] * 6)
    counts = found.table["c"].value_counts().to_pylist()
    assert {pair["values"]: pair["counts"] for pair in counts} == {"a": 20, "other": 20, "other 2": 10}


def test_numbers_that_hardly_anybody_shares_are_rounded():
    """Amounts lose their cents, and the millionaire more; ages that many share stay, gaps too."""
    amounts = [20 + i / 100 for i in range(400)] + [1_000_123.45, None]
    made = _made(amounts, k=10).table["c"].to_pylist()
    assert made[-1] is None
    assert made[-2] == pytest.approx(1_000_000, abs=1000)
    assert made[0] == pytest.approx(20, abs=0.5)
    assert len(set(made)) < 60
    assert not _made([20 + i % 40 for i in range(2000)], k=10).changes


def test_identifiers_and_persons_are_left_to_be_made_anew():
    """What is not learned need not be coarse."""
    table = pa.table({"id": [f"K-{i:05d}" for i in range(300)], "email": [f"a{i}@example.org" for i in range(300)]})
    assert generalise(table, infer(table), 10).table.equals(table)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=200), st.integers(2, 12))
@settings(deadline=None)
def test_no_level_is_held_by_fewer_rows(levels, k):
    """Whatever the shares are, every level that is left has at least k rows, unless the whole column has fewer."""
    made = _made(levels, k=k).table["c"].to_pylist()
    counts = np.unique(made, return_counts=True)[1]
    assert counts.min() >= k or set(made) == set(levels) or len(set(levels)) == 1


def test_more_rows_must_share_in_larger_tables_and_for_more_people():
    """Cells grow with the root of the table; the public's are coarser than a partner's."""
    assert rows_that_share("internal", 50) == 5
    assert rows_that_share("internal", 5_000) == 36
    assert rows_that_share("internal", 500_000) == 354
    assert rows_that_share("internal", 5_000) < rows_that_share("partner", 5_000) < rows_that_share("public", 5_000)
    with pytest.raises(SchemaError, match="no profile 'partnr'"):
        rows_that_share("partnr", 100)
