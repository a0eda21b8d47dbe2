"""Missing cells get values, the others stay as they are."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lookalike.errors import SynthesizerError
from lookalike.synthesizers.impute import impute

DRAWS = np.random.default_rng(0)
N = 600
X = DRAWS.normal(size=N)
FULL = {
    "x": X,
    "y": np.round(2 * X + 0.1 * DRAWS.normal(size=N), 3),
    "c": np.where(X > 0, "up", "down"),
    "k": DRAWS.integers(0, 9, N),
}
GONE = DRAWS.random(N) < 0.2
TABLE = pa.table({**FULL, "y": pa.array(FULL["y"], mask=GONE), "c": pa.array(FULL["c"], mask=np.roll(GONE, 5))})


@pytest.mark.parametrize(
    "method", ["mean", "median", "mode", "knn", "iterative", pytest.param("forest", marks=pytest.mark.slow)]
)
def test_only_gaps_change(method):
    """No cell that was there is touched, none is left missing, types stay."""
    out = impute(TABLE, method=method)
    assert out.schema.equals(TABLE.schema)
    assert all(out[name].null_count == 0 for name in out.column_names)
    assert np.array_equal(out["y"].to_numpy()[~GONE], FULL["y"][~GONE])


def test_better_methods_err_less():
    """Relations are used: iterative errs less than kNN, kNN less than the mean."""
    error = {m: np.abs(impute(TABLE, method=m)["y"].to_numpy() - FULL["y"])[GONE].mean() for m in ("mean", "knn", "iterative")}
    assert error["iterative"] < error["knn"] < error["mean"]
    filled = np.array(impute(TABLE)["c"].to_pylist())
    assert (filled == FULL["c"])[np.roll(GONE, 5)].mean() > 0.9


def test_draws_show_how_unsure_they_are():
    """Several draws differ in filled cells only, and spread about as much as the truth does."""
    noise = pa.table({"y": pa.array(DRAWS.normal(size=N), mask=GONE), "x": X})
    draws = impute(noise, m=5, seed=1)
    filled = np.stack([one["y"].to_numpy()[GONE] for one in draws])
    assert filled.std(axis=0).mean() > 0.5
    assert len({one["y"].to_numpy()[~GONE].tobytes() for one in draws}) == 1
    assert draws[0].equals(impute(noise, m=5, seed=1)[0])


def test_frames_come_back_in_kind():
    """pandas in, pandas out; NaN counts as missing."""
    out = impute(pd.DataFrame({"a": [1.0, np.nan, 3.0, 5.0, 7.0] * 12, "b": [1, 2, 3] * 20}), method="median")
    assert isinstance(out, pd.DataFrame)
    assert out["a"].tolist()[:3] == [1.0, 4.0, 3.0]


def test_columns_with_nothing_stay_empty():
    """A column with no value at all cannot be filled, and stays missing."""
    out = impute(pa.table({"a": pa.array([None] * 40, pa.float64()), "b": list(range(40))}))
    assert out["a"].null_count == 40


def test_nonsense_is_refused():
    """Unknown methods and draws of a method with one value are errors."""
    with pytest.raises(SynthesizerError, match="no method"):
        impute(TABLE, method="magic")
    with pytest.raises(SynthesizerError, match="m is 3"):
        impute(TABLE, method="mean", m=3)
