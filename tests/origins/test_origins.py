"""Each way to get rows, opened by itself: no plan, no run folder."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SourceError
from lookalike.generators.poisson import Poisson
from lookalike.origins.base import IdRange, Origin, Place
from lookalike.rows.batch import Batch
from lookalike.sources.base import Outline

PEOPLE = pa.table({"name": ["Ada", "Bo", "Cy"], "age": [31, 44, 58]})


class Sources:
    """One source, `people`; the columns of any."""

    def __init__(self, table=PEOPLE):
        self.table = table

    def source(self, name):
        return self.table

    def outline(self, name):
        return Outline(tuple(self.table.column_names), self.table.num_rows)

    def expected(self, name):
        return 10

    def readable(self, name):
        return tuple(self.table.column_names)


class Parents:
    """A finished table in two partitions; the row ids have gaps."""

    def __init__(self, *ids):
        self.batches = [Batch("people", np.array(some), {"age": pa.array([20 + i for i in some])}) for some in ids]

    def parts(self, table):
        return len(self.batches)

    def part(self, table, index):
        return self.batches[index]

    def key(self, table):
        return None


def opened(rows, asked=0, *, own=(), sources=None, parents=None, cap=10.0):
    place = Place("t", 7, 7, asked, frozenset(own), cap, sources or Sources(), Path(), lambda: pytest.fail("no model"), parents)
    return Origin.read(rows).open(place)


@pytest.mark.parametrize(
    "written", [12, {"like": "a", "n": 3}, {"from": "a", "n": 3}, {"per": "a", "count": 2}, {"grid": {"x": [1]}}]
)
def test_what_is_written_is_read_as_it_was(written):
    """A recipe's `rows:` and the value that it makes say the same."""
    origin = Origin.read(written)
    assert Origin.read(origin.written()) == origin
    assert Origin.read(origin) is origin


def test_a_number_overrides_only_what_says_a_number():
    """Counted, learned and real rows take another number; children and designs have none."""
    assert Origin.read(12).counted(5).n == Origin.read({"like": "a", "n": 3}).counted(5).n == 5
    for rows in ({"per": "a", "count": 2}, {"grid": {"x": [1]}}):
        assert Origin.read(rows).counted(5) == Origin.read(rows)


@given(st.sampled_from([9, {"from": "p", "order": "shuffle"}, {"grid": {"x": [1, 2], "y": [3, 4]}}]), st.integers(1, 9))
def test_a_row_hangs_on_its_id_alone(written, size):
    """Any partition size gives the same rows."""
    rows = opened(written, asked=9)
    whole = rows.rows(IdRange(0, 9))
    cut = [rows.rows(found) for found in rows.ranges(size)]
    assert np.concatenate([batch.ids for batch in cut]).tolist() == list(range(9))
    for name, values in whole.columns.items():
        assert [value for batch in cut for value in batch[name].to_pylist()] == values.to_pylist()


def test_real_rows_come_in_their_order_and_begin_again():
    """As they are, or shuffled: each once, then from the start; columns of the table's own are left out."""
    rows = opened({"from": "people", "order": "cycle"}, asked=5, own=["age"])
    assert list(rows.rows(IdRange(0, 5)).columns) == ["name"]
    assert rows.rows(IdRange(0, 5))["name"].to_pylist() == ["Ada", "Bo", "Cy", "Ada", "Bo"]
    shuffled = opened({"from": "people", "order": "shuffle"}, asked=3).rows(IdRange(0, 3))["name"].to_pylist()
    assert sorted(shuffled) == ["Ada", "Bo", "Cy"]


def test_real_rows_replace_only_where_there_are_more():
    """A source that is asked for whole has no row left to take a rejected one's place."""
    assert opened({"from": "people"}, asked=3).replaces == "nobody"
    assert opened({"from": "people"}, asked=2).replaces == "count"
    assert opened({"from": "people", "order": "cycle"}, asked=3).replaces == "count"


def test_a_source_without_rows_is_refused_by_name():
    """Nothing can be taken from nothing."""
    with pytest.raises(SourceError, match="people"):
        opened({"from": "people"}, asked=3, sources=Sources(PEOPLE.slice(0, 0)))


def test_children_stand_with_their_parents():
    """Two of each parent, in its order, with its row and its id; a partition for each of the parent's."""
    rows = opened({"per": "people", "count": 2}, parents=Parents([0, 2], [], [5]))
    assert rows.asked == 6
    assert [(found.start, found.stop) for found in rows.ranges(1000)] == [(0, 4), (4, 4), (4, 6)]
    made = [rows.rows(found) for found in rows.ranges(1000)]
    assert made[0]["people_id"].to_pylist() == [0, 0, 2, 2]
    assert made[1]["people_id"].to_pylist() == []
    assert made[2]["people"].to_pylist() == [{"age": 25}, {"age": 25}]
    assert [batch.ids.tolist() for batch in made] == [[0, 1, 2, 3], [], [4, 5]]


def test_drawn_numbers_of_children_are_counts():
    """Each parent has its own number, whichever partition it is in; the plan expects the mean."""
    per = {"per": "people", "count": Poisson(mean=2)}
    together, apart = opened(per, parents=Parents(list(range(9)))), opened(per, parents=Parents([0, 1], list(range(2, 9))))
    owners = [batch["people_id"].to_pylist() for batch in map(together.rows, together.ranges(9))]
    cut = [batch["people_id"].to_pylist() for batch in map(apart.rows, apart.ranges(9))]
    assert owners == [cut[0] + cut[1]]
    assert Origin.read(per).brings(Sources()).expected == 20


def test_rejected_rows_of_a_design_are_replaced_by_their_kind():
    """A combination that lacks two rows gets two more candidates of its own, up to the cap; what is short is named."""
    rows = opened({"grid": {"x": [1, 2, 3]}, "repeat": 2, "exact": True}, asked=6, cap=2.0)
    assert rows.replaces == "kind"
    tried, settled = np.arange(6), np.array([0, 2, 3, 5])  # ids 1 and 4 have x = 2
    first, second = rows.more(tried, settled, 1)
    assert (first.candidates().tolist(), second.candidates().tolist()) == ([7], [10])
    assert rows.rows(first)["x"].to_pylist() == rows.rows(second)["x"].to_pylist() == [2]
    assert rows.more(np.array([*tried, 7, 10]), settled, 1) == []  # the cap: four of two
    assert rows.short(settled) == ["x 2: 0 of 2"]


def test_an_origin_says_what_is_wrong_with_its_own_fields():
    """Conditions and targets on columns that the source has not are found with their place in `rows:`."""
    brought = Origin.read({"like": "p", "n": 3, "given": {"agee": 3, "where": "age > 3"}, "target": "nam"}).brings(Sources())
    assert [(problem.field, problem.kind.__name__) for problem in brought.problems] == [
        (("given", "agee"), "UnknownColumn"),
        (("target",), "UnknownColumn"),
    ]
    assert "did you mean 'age'" in brought.problems[0].fix
