import numpy as np
import pytest

from lookalike.origins.base import IdRange, Rows
from lookalike.recipe.model import Table
from lookalike.rows.batch import Batch
from lookalike.run.events import Counts
from lookalike.run.fill import ByCount, ByKind, Unfilled, fill_of
from lookalike.run.parts import FinishedPart


class Numbers(Rows):
    """Ten rows of two kinds, odd and even."""

    asked = 10

    def __init__(self, replaces="count", end=None):
        self.replaces, self.end = replaces, end

    def rows(self, range):
        return Batch("t", range.candidates())

    def more(self, tried, settled, size):
        lacking = 5 - int((settled % 2).sum())
        first = 2 * ((int(tried.max()) + 2) // 2)
        return [IdRange(first, first + 2 * lacking, tuple(range(first + 1, first + 2 * lacking, 2)))] if lacking else []


def table(**fields):
    return Table.model_validate({"rows": 10, "columns": {"x": {"kind": "sequence"}}, **fields})


def part(stop, **counts):
    return FinishedPart(0, 0, stop, "f", Counts(**counts))


@pytest.mark.parametrize(
    ("replaces", "fields", "whole", "kind"),
    [
        ("count", {"keep": ["x > 1"]}, True, ByCount),
        ("count", {"replace_failed": True}, True, ByCount),
        ("kind", {"keep": ["x > 1"]}, True, ByKind),
        ("nobody", {"keep": ["x > 1"]}, True, Unfilled),
        ("count", {}, True, Unfilled),
        ("count", {"keep": ["x > 1"]}, False, Unfilled),
    ],
)
def test_who_replaces_a_row(replaces, fields, whole, kind):
    """Only a run that makes all of a table replaces rows, only where some can be rejected, and as the origin says."""
    assert type(fill_of(Numbers(replaces), table(**fields), 4, whole=whole)) is kind


def test_without_replacement_there_are_the_rows_that_are_asked_for():
    """Partitions cover the rows asked for; one stays that has the same candidates; nothing is ever lacking."""
    fill = Unfilled(Numbers(), 4)
    assert [(p.index, p.range.start, p.range.stop) for p in fill.first()] == [(0, 0, 4), (1, 4, 8), (2, 8, 10)]
    assert fill.fits(part(4, kept=1, filtered=3), IdRange(0, 4), 1)
    assert not fill.fits(part(3, kept=3), IdRange(0, 4), 10)
    assert not fill.lacks(0)


@pytest.mark.parametrize(("end", "stop"), [(None, 25), (12, 12)])
def test_by_count_candidates_go_on_to_the_cap_or_to_their_end(end, stop):
    """After the rows asked for come as many partitions as the cap allows, or as there are candidates."""
    fill = ByCount(Numbers(end=end), 4, 2.5)
    ranges = [p.range for p in fill.first()]
    assert [r.stop for r in ranges[:3]] == [4, 8, 10]
    assert [r.start for r in ranges[1:]] == [r.stop for r in ranges[:-1]]
    assert ranges[-1].stop == stop
    assert (fill.quota().asked, fill.quota().limit) == (10, stop)


def test_by_count_a_cut_partition_stays_only_where_the_count_is_reached():
    """The last partition ends with the row that fills the count; a higher or lower count makes it anew."""
    fill = ByCount(Numbers(), 4, 2.5)
    assert fill.fits(part(3, kept=3), IdRange(0, 4), 10)
    assert not fill.fits(part(3, kept=3), IdRange(0, 4), 9)
    assert not fill.fits(part(4, kept=4), IdRange(0, 4), 11)
    assert fill.lacks(9)
    assert not fill.lacks(10)


def test_by_kind_the_origin_names_what_is_missing():
    """A further pass has the candidates that the origin names, numbered on; none when nothing lacks."""
    fill = ByKind(Numbers("kind"), 4, 3.0)
    made = [FinishedPart(2, 0, 10, "f", Counts(kept=8, filtered=2))]
    [more] = fill.more(lambda: made, lambda parts: np.array([0, 1, 2, 3, 4, 5, 6, 8]))
    assert more.index == 3
    assert (more.range.candidates() % 2 == 1).all()
    assert len(more.range.candidates()) == 2
    assert fill.more(lambda: made, lambda parts: np.arange(10)) == []
