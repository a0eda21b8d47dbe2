"""Sorting and searching inside kernels agree with numpy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookalike.kernels.native import kernel
from lookalike.kernels.ordering import first_above, first_at_least, sort

NUMBERS = st.lists(st.integers(-20, 20) | st.integers(-(2**31), 2**31 - 1), max_size=80)


@kernel("i4:1")
def _sorted(values):
    sort(values)


@kernel("i4:1 i8 i8:1")
def _places(values, wanted, out):
    out[0] = first_at_least(values, 0, len(values), wanted)
    out[1] = first_above(values, 0, len(values), wanted)


@given(NUMBERS)
def test_sort_is_numpys(numbers):
    """Any numbers, repeated ones too, come in rising order."""
    values = np.array(numbers, np.int32)
    _sorted(values)
    assert values.tolist() == sorted(numbers)


@given(NUMBERS, st.integers(-25, 25))
def test_places_are_those_of_searchsorted(numbers, wanted):
    """Where a value begins and where it ends, whether it is there or not."""
    values, out = np.sort(np.array(numbers, np.int32)), np.zeros(2, np.int64)
    _places(values, wanted, out)
    assert out.tolist() == [np.searchsorted(values, wanted), np.searchsorted(values, wanted, side="right")]
