"""Coverage designs, against every combination counted by hand."""

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import RecipeError
from lookalike.origins.covering import design

factors = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3).map(range).map(tuple), min_size=2, max_size=4)


@settings(max_examples=30)
@given(factors, st.integers(1, 3), st.booleans())
def test_every_allowed_combination_is_in_some_row(grid, strength, excluded):
    """Each combination of `strength` values that an allowed row can hold appears, and no row is excluded."""
    strength = min(strength, len(grid))
    first, second = list(grid)[:2]
    exclude = (f"{first} = 0 AND {second} = 1",) if excluded else ()
    allowed = [
        dict(zip(grid, values, strict=True))
        for values in product(*grid.values())
        if not (
            excluded and dict(zip(grid, values, strict=True))[first] == 0 and dict(zip(grid, values, strict=True))[second] == 1
        )
    ]
    if not allowed:
        with pytest.raises(RecipeError, match="leave no row"):
            design(grid, strength, exclude)
        return
    rows = design(grid, strength, exclude)
    assert all(row in allowed for row in rows)
    for names in combinations(grid, strength):
        assert {tuple(row[name] for name in names) for row in rows} == {tuple(row[name] for name in names) for row in allowed}


def test_pairs_need_few_rows():
    """Ten factors of three values have 59,049 combinations; every pair of values stands in at most 20 rows."""
    assert len(design({f"f{i}": (0, 1, 2) for i in range(10)}, 2)) <= 20
