"""Random numbers inside kernels: functions of a key and a counter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike.kernels import keyed


@given(key=st.integers(0, 2**62), start=st.integers(0, 10**6), n=st.integers(1, 50))
def test_a_uniform_is_a_function_of_its_key_and_counter(key, start, n):
    """A part of a longer row of numbers is the same as that part asked for alone, and all lie in [0, 1)."""
    whole = keyed.uniforms(key, start + n) if start < 1000 else keyed.uniforms(key, n + 5, start=start)
    alone = keyed.uniforms(key, n, start=start)
    assert (alone == (whole[start : start + n] if start < 1000 else whole[:n])).all()
    assert 0 <= alone.min() <= alone.max() < 1


def test_uniforms_are_those_of_splitmix64():
    """The first output of SplitMix64 with seed 0 after one step is 0xE220A8397B1DCDAF, whose upper 53 bits are the number."""
    assert keyed.uniforms(0, 2)[1] == (0xE220A8397B1DCDAF >> 11) / 2**53


@given(key=st.integers(0, 2**62), n=st.integers(0, 300))
def test_a_shuffle_is_a_permutation(key, n):
    """Every number comes once, in an order that the key decides."""
    order = keyed.shuffled(key, n)
    assert sorted(order) == list(range(n))
    assert (order == keyed.shuffled(key, n)).all()


def test_shuffles_of_different_keys_are_even():
    """Over many keys each number comes first about as often as any other."""
    first = np.bincount([keyed.shuffled(key, 5)[0] for key in range(2000)], minlength=5)
    assert first.min() > 330
