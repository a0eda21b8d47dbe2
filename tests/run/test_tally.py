from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.run.events import Counts
from lookalike.run.tally import Tally

counts = st.builds(Counts, *(st.integers(0, 9) for _ in range(4)))


@settings(deadline=None)
@given(groups=st.lists(counts, max_size=8), written=st.integers(0, 8))
def test_rows_are_counted_once_wherever_they_are(groups, written):
    """From made to judged to written no row is lost or counted twice."""
    tally = Tally(asked=None)
    for group in groups:
        tally.wait(group.attempted)
    assert tally.waiting == sum(group.attempted for group in groups)
    for group in groups:
        tally.judge(group)
    for group in groups[:written]:
        tally.write(group, judged=True)
    assert tally.waiting == 0
    assert tally.outcomes.attempted == sum(group.attempted for group in groups)
    assert tally.written.kept == sum(group.kept for group in groups[:written])
    assert tally.done == sum(group.kept + group.failed for group in groups)


def test_rows_that_wait_count_as_far_as_others_came_through():
    """Half of the judged rows stayed: of ten that wait five are shown, and never more than were asked for."""
    tally = Tally(asked=12)
    tally.wait(20)
    tally.judge(Counts(kept=5, filtered=5))
    assert tally.done == 10
    tally.wait(100)
    assert tally.done == 12
