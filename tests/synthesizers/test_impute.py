"""Missing cells get values, the others stay as they are."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lookalike.errors import SynthesizerError
from lookalike.synthesizers.imputation.impute import impute

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


def test_simple_methods_fill_the_known_value():
    """Mean, median and mode are those of the cells that are there; categories get the commonest."""
    table = pa.table({"a": [0.5, 0.5, 2.5, 8.5, None] * 8, "c": ["x", "x", "y", None, "x"] * 8})
    filled = {m: impute(table, method=m) for m in ("mean", "median", "mode")}
    assert {m: one["a"][4].as_py() for m, one in filled.items()} == {"mean": 3.0, "median": 1.5, "mode": 0.5}
    assert {one["c"][3].as_py() for one in filled.values()} == {"x"}


def test_nearest_rows_are_asked():
    """kNN fills the mean of the five nearest rows, and draws one of their values."""
    far = [(float(i % 2) * 100 + i / 100, "far" if i % 2 else "near") for i in range(60)]
    table = pa.table({"x": [x for x, _ in far] + [100.0], "c": [c for _, c in far] + [None]})
    assert impute(table, method="knn")["c"][60].as_py() == "far"
    assert {one["c"][60].as_py() for one in impute(table, method="knn", m=3)} == {"far"}


def bent(n, seed):
    draws = np.random.default_rng(seed)
    x, z = draws.normal(size=n), draws.normal(size=n)
    level = np.array(list("pqrstuvw"))[draws.integers(0, 8, n)]
    lift = dict(zip("pqrstuvw", draws.permutation(8), strict=True))
    y = np.where(x > 0, z, -z) + 0.5 * np.array([lift[one] for one in level]) + 0.1 * draws.normal(size=n)
    return {"x": x, "z": z, "level": level, "y": y}


def test_bent_relations_and_unordered_levels_are_learned():
    """An interaction and the effects of unordered levels are filled with a tenth of the mean's squared error."""
    full = bent(3000, 1)
    gone = np.random.default_rng(2).random(3000) < 0.2
    filled = impute(pa.table({**full, "y": pa.array(full["y"], mask=gone)}))["y"].to_numpy()
    assert np.mean((filled - full["y"])[gone] ** 2) < 0.1 * full["y"].var()


def test_many_levels_are_filled_as_trees_find_them():
    """A category of 40 levels that a number tells is filled rightly far more often than by the commonest level."""
    draws = np.random.default_rng(3)
    x = draws.random(4000) * 40
    level, gone = np.char.add("l", x.astype(int).astype(str)), draws.random(4000) < 0.1
    filled = np.array(impute(pa.table({"x": x, "l": pa.array(level, mask=gone)}))["l"].to_pylist())
    assert (filled == level)[gone].mean() > 0.7


def test_the_same_seed_fills_the_same():
    """Filling in repeats by its seed."""
    assert impute(TABLE, seed=4).equals(impute(TABLE, seed=4))


@pytest.mark.slow
def test_intervals_of_several_draws_cover_the_truth():
    """95% intervals of a mean by Rubin's rules over draws hold it about as often as they say, and one draw's too seldom."""
    held, alone, trials, m = 0, 0, 60, 5
    for trial in range(trials):
        draws = np.random.default_rng(100 + trial)
        x = draws.normal(size=300)
        y = x + draws.normal(size=300)
        gone = draws.random(300) < 0.6 / (1 + np.exp(-2 * x))  # the higher x, the likelier: complete rows are biased
        table = pa.table({"x": x, "y": pa.array(y, mask=gone)})
        filled = [one["y"].to_numpy() for one in impute(table, m=m, seed=trial)]
        means = np.array([one.mean() for one in filled])
        inside, between = np.mean([one.var(ddof=1) / 300 for one in filled]), means.var(ddof=1)
        held += abs(means.mean()) <= 2.1 * np.sqrt(inside + (1 + 1 / m) * between)
        alone += abs(y[~gone].mean()) <= 2.1 * y[~gone].std() / np.sqrt((~gone).sum())
    assert held >= 0.85 * trials
    assert alone <= 0.6 * trials


def test_draws_keep_the_spread_that_one_value_loses():
    """The likeliest values vary less than the true ones; draws vary as they do."""
    draws = np.random.default_rng(9)
    x = draws.normal(size=2000)
    y, gone = x + draws.normal(size=2000), draws.random(2000) < 0.4
    table = pa.table({"x": x, "y": pa.array(y, mask=gone)})
    one, several = impute(table)["y"].to_numpy()[gone], [d["y"].to_numpy()[gone] for d in impute(table, m=3)]
    assert one.std() < 0.85 * y.std()
    assert np.mean([d.std() for d in several]) == pytest.approx(y.std(), rel=0.08)
    assert np.mean([np.corrcoef(d, x[gone])[0, 1] for d in several]) == pytest.approx(np.sqrt(0.5), abs=0.06)


def test_categories_are_drawn_with_their_chances():
    """A category that nothing tells is drawn as often as it is seen, not always the commonest."""
    draws = np.random.default_rng(5)
    c, gone = draws.choice(["a", "b"], 2000, p=[0.7, 0.3]), draws.random(2000) < 0.3
    table = pa.table({"x": draws.normal(size=2000), "c": pa.array(c, mask=gone)})
    share = np.mean([np.mean(np.array(one["c"].to_pylist())[gone] == "b") for one in impute(table, m=3)])
    assert share == pytest.approx(0.3, abs=0.05)


def test_gaps_do_not_count_in_distances():
    """Rows are compared by the cells that both have: one with gaps elsewhere still finds its like."""
    draws = np.random.default_rng(6)
    group = draws.integers(0, 6, 1200)
    cells = {f"x{i}": group * (1.0 + i) + 0.01 * draws.normal(size=1200) for i in range(6)}
    gone = {name: draws.random(1200) < 0.3 for name in cells}
    filled = impute(pa.table({name: pa.array(cells[name], mask=gone[name]) for name in cells}), method="knn")
    known = ~np.all([gone[name] for name in cells], axis=0)
    for name, values in cells.items():
        rows = gone[name] & known
        assert np.abs(filled[name].to_numpy() - values)[rows].max() < 0.2
