"""Drawn rows are one series: any cut and any order give the same rows."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.schema.types import ColumnSchema
from lookalike.synthesizers.anonymise import replacements
from lookalike.synthesizers.constraints.constrained import Constrained
from lookalike.synthesizers.forest.model import Forest
from lookalike.synthesizers.methods.copula import Copula
from lookalike.synthesizers.methods.independent import Independent
from lookalike.synthesizers.series import BLOCK, Series

g = np.random.default_rng(0)
N = 400
TABLE = pa.table(
    {
        "id": g.permutation(np.arange(5000, 5000 + 3 * N))[:N],
        "mail": [f"someone{i}@corp{i % 7}.com" for i in range(N)],
        "city": g.choice(["Bonn", "Kiel", "Ulm"], N),
        "age": g.integers(18, 90, N),
    }
)
METHODS = {
    "forest": Forest(),
    "copula": Copula(),
    "independent": Independent(),
    "constrained": Constrained(base=Copula(), constraints=({"kind": "range", "column": "age", "low": 18},)),
}


@pytest.fixture(scope="module", params=sorted(METHODS))
def model(request):
    return METHODS[request.param].model_copy().fit(TABLE)


@settings(deadline=None, max_examples=6)
@given(bounds=st.lists(st.integers(0, 900), min_size=2, max_size=5), condition=st.sampled_from([{}, {"city": "Kiel"}]))
def test_a_row_is_a_function_of_its_place(model, bounds, condition):
    """Cuts, order, and how many are drawn change no row; `sample` begins the same series."""
    whole = model.sample_arrow(900, given=condition, seed=3)
    series = model.series(given=condition, seed=3)
    for pair in pairwise(bounds):
        start, stop = sorted(pair)
        assert series.rows(start, stop).equals(whole.slice(start, stop - start))
    assert model.rows(bounds[0], bounds[0] + 3, given=condition, seed=3).num_rows == 3


def test_keys_and_addresses_never_repeat(model):
    """Unique columns stay unique over blocks, in the model's own shape."""
    made = model.rows(200, 2000, seed=1)
    for name in ("id", "mail"):
        assert len(set(made[name].to_pylist())) == 1800, name
    assert min(made["id"].to_pylist()) >= 5000
    assert all("@" in mail for mail in made["mail"].to_pylist())


def test_shares_hold_in_as_many_rows_as_are_asked_for(model):
    """A share speaks of all rows together: it is exact in those asked for, however they are taken."""
    shares = {"city": {"shares": {"Bonn": 0.25, "Ulm": 0.75}}}
    if model.kind == "constrained":
        pytest.skip("rows that break a constraint are drawn again: shares hold nearly")
    series = model.series(given=shares, seed=1, of=600)
    cities = pa.concat_tables([series.rows(400, 600), series.rows(0, 400)])["city"].to_pylist()
    assert (cities.count("Bonn"), cities.count("Ulm")) == (150, 450)
    assert series.rows(600, 700).num_rows == 100  # replacements go on


def test_blocks_reach_ever_further():
    """A few rows cost a small block; the blocks of a million rows are all of one size."""
    drawn = []

    def draw(stretch):
        drawn.append((stretch.start, len(stretch)))
        return pa.table({"at": np.arange(stretch.start, stretch.stop)})

    series = Series(draw, 0, first=256)
    assert series.rows(3, 5)["at"].to_pylist() == [3, 4]
    assert drawn == [(0, 256)]
    assert series.rows(0, 0).num_rows == 0
    assert series.rows(BLOCK - 1, 2 * BLOCK + 1)["at"].to_pylist() == list(range(BLOCK - 1, 2 * BLOCK + 1))
    assert drawn[2:] == [(4096, BLOCK - 4096), (BLOCK, BLOCK), (2 * BLOCK, BLOCK)]
    series.rows(2 * BLOCK + 1, 2 * BLOCK + 9)
    assert len(drawn) == 5  # the next partition finds the block that the last one began


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 5000), st.integers(1, 3000), st.integers(0, 2**32))
def test_new_keys_differ_and_hang_on_their_place(low, span, n, seed):
    """Whole numbers from the real range on, at any end of int64: no two are equal, and the first are the same for every count."""
    column = ColumnSchema("id", "id", "int64", unique=True)
    known = {"missing": 0.0, "low": low, "high": min(low + span, 2**63 - 1), "rows": 10, "step": 0}
    made = replacements(column, n, seed, known=known).to_pylist()
    assert len(set(made)) == n
    assert made[: n // 2] == replacements(column, n // 2, seed, known=known).to_pylist()
