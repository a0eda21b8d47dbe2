import random

from hypothesis import given
from hypothesis import strategies as st

from lookalike.run.quota import Quota


@given(
    fates=st.lists(st.sampled_from(["kept", "rejected", "failed"]), min_size=1, max_size=200),
    asked=st.integers(0, 60),
    width=st.integers(1, 16),
    order=st.integers(0, 2**32),
)
def test_the_candidates_opened_do_not_depend_on_the_order_of_verdicts(fates, asked, width, order):
    """Any concurrency and any order of verdicts open the shortest run of ids that holds the rows asked for."""
    quota = Quota(asked, limit=len(fates))
    shuffle = random.Random(order)
    flying: list[int] = []
    while True:
        while len(flying) < width and quota.may_open:
            flying.append(quota.open())
        if not flying:
            break
        fate = fates[flying.pop(shuffle.randrange(len(flying)))]
        quota.judge(int(fate != "rejected"), int(fate == "rejected"))
    settled, needed = 0, 0
    while needed < len(fates) and settled < asked:
        settled += fates[needed] != "rejected"
        needed += 1
    assert quota.opened == needed
    assert quota.settled == settled
    assert quota.complete


def test_without_a_count_every_candidate_is_opened():
    """A given range is made whole."""
    quota = Quota(None, limit=3)
    assert [quota.open() for _ in range(3)] == [0, 1, 2]
    assert not quota.may_open
    assert quota.complete
