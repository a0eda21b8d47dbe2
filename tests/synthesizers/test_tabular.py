"""What all methods over numbers and codes share."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lookalike.errors import NotFitted, RecipeError, UnknownColumn, Unsatisfiable
from lookalike.registry import resolve
from lookalike.schema.infer import infer, infer_column
from lookalike.schema.semantics import semantic_of
from lookalike.synthesizers.methods.bayes_net import BayesNet
from lookalike.synthesizers.methods.cart import Cart
from lookalike.synthesizers.methods.copula import Copula
from lookalike.synthesizers.methods.independent import Independent
from lookalike.testing.synthesizers import example


def related(n=3000):
    draws = np.random.default_rng(0)
    x = draws.normal(size=n)
    return pa.table({"x": x, "y": 2 * x + 0.3 * draws.normal(size=n), "c": np.where(x > 0, "up", "down")})


@pytest.mark.parametrize("kind", ["copula", "cart", "arf", "bayes_net", "smote"])
def test_relations_are_kept(kind):
    """Correlation and a category's dependence on a number come through; independent columns lose both."""
    out = resolve("synthesizer", kind)().fit(related()).sample(2000)
    x, y, c = out["x"].to_numpy(), out["y"].to_numpy(), np.array(out["c"].to_pylist())
    assert np.corrcoef(x, y)[0, 1] > 0.85
    assert x[c == "up"].mean() - x[c == "down"].mean() > 1.0
    floor = Independent().fit(related()).sample(2000)
    assert abs(np.corrcoef(floor["x"].to_numpy(), floor["y"].to_numpy())[0, 1]) < 0.1


@pytest.mark.parametrize("kind", ["copula", "arf", "cart", "bayes_net"])
def test_conditions_have_the_right_consequences(kind):
    """Given the category, the number that depends on it follows."""
    model = resolve("synthesizer", kind)().fit(related())
    assert model.sample(300, given={"c": "up"})["y"].to_numpy().mean() > 0.8
    assert model.sample(300, given={"c": "down"})["y"].to_numpy().mean() < -0.8


def test_the_copula_finds_the_correlation():
    """Of a true Gaussian copula the matrix is recovered, ties or none."""
    draws = np.random.default_rng(1)
    z = draws.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 4000)
    model = Copula().fit(pa.table({"a": np.exp(z[:, 0]), "b": z[:, 1] ** 3}))
    assert abs(model._model.arrays["correlation"][0, 1] - 0.7) < 0.03


def test_the_network_finds_its_parents():
    """A chain a -> b -> c is learned with edges along it."""
    draws = np.random.default_rng(0)
    a = draws.integers(0, 4, 4000)
    b = np.where(draws.random(4000) < 0.8, a, draws.integers(0, 4, 4000))
    c = np.where(draws.random(4000) < 0.8, b, draws.integers(0, 4, 4000))
    edges = BayesNet(parents=1).fit(pa.table({"a": a.astype(str), "b": b.astype(str), "c": c.astype(str)})).edges_
    assert {frozenset(edge) for edge in edges} == {frozenset("ab"), frozenset("bc")}


def test_frames_come_back_in_kind():
    """pandas in, pandas out; polars in, polars out."""
    frame = example(50)
    assert isinstance(Independent().fit(frame.to_pandas()).sample(5), pd.DataFrame)
    assert isinstance(Independent().fit(pl.from_arrow(frame)).sample(5), pl.DataFrame)


def test_an_interrupted_fit_leaves_the_old_model():
    """After an interruption the model samples as before; an unfitted one is still unfitted."""

    class Interrupted(Cart):
        def _learn(self, lesson):
            if "size" not in [feature.name for feature in lesson.features]:
                raise KeyboardInterrupt
            return super()._learn(lesson)

    model = Interrupted().fit(example(60))
    before = model.sample(20, seed=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(related(50))
    assert model.sample(20, seed=1).equals(before)
    fresh = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(related(50))
    with pytest.raises(NotFitted):
        fresh.sample(1)


def test_infinite_numbers_are_told_and_tamed():
    """Infinite values warn, and never come back."""
    table = pa.table({"a": [1.0, 2.0, 3.0, float("inf")] * 30, "b": list(range(120))})
    with pytest.warns(UserWarning, match="infinite"):
        model = Independent().fit(table)
    assert np.isfinite(model.sample(100)["a"].to_numpy()).all()


def test_rare_conditions_name_their_share():
    """A condition that no drawn row holds names itself and the rows that were tried."""
    model = Independent().fit(example(200))
    with pytest.raises(Unsatisfiable, match=r"weight > 1e9: held by none of \d+ drawn rows"):
        model.sample(5, given={"where": "weight > 1e9"})
    with pytest.raises(RecipeError, match="cannot be read"):
        model.sample(5, given={"where": "weight >"})
    with pytest.raises(UnknownColumn, match="made anew and not learned"):
        model.sample(5, given={"email": "a@b.com"})


def test_rare_categories_are_grouped():
    """Categories below the bound become other, and are never sampled."""
    out = Independent(rare_below=5).fit(example(300)).sample(500)
    assert "Ulm" not in out["city"].to_pylist()


def test_dates_in_text_keep_their_format():
    """Dates and numbers that were text are text again, in range and format."""
    table = pa.table({"d": [f"{i % 28 + 1:02d}.03.2021" for i in range(100)], "n": [f"{i / 7:.3f}" for i in range(100)]})
    out = Copula().fit(table).sample(50)
    assert infer(out)["d"].format == "%d.%m.%Y"
    assert all(0 <= float(text) <= 15 and len(text.split(".")[1]) == 3 for text in out["n"].to_pylist())


WRITTEN = {
    "%H:%M": [f"{8 + i % 9:02d}:{i * 7 % 60:02d}" for i in range(200)],
    "%I:%M %p": [f"{i % 5 + 1:02d}:{i * 7 % 60:02d} PM" for i in range(200)],
    "[h]:mm:ss": [f"{i % 40}:{i * 7 % 60:02d}:{i % 60:02d}" for i in range(200)],
    "[d] days hh:mm:ss": [f"{i % 9} days {i % 24:02d}:00:{i % 60:02d}" for i in range(200)],
    "PT": [f"PT{i % 5 + 1}H{i % 59 + 1}M" for i in range(200)],
}


@pytest.mark.parametrize("kind", ["copula", pytest.param("forest", marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", WRITTEN)
def test_clock_times_and_durations_keep_their_writing(form, kind):
    """Times of day and durations in text are learned as numbers: new ones are in range, in the same writing."""
    table = pa.table({"t": WRITTEN[form], "n": list(range(200))})
    column = infer(table)["t"]
    assert column.format == form
    out = resolve("synthesizer", kind)().fit(table).sample(60)["t"]
    real, made = (semantic_of(column).floats(cells) * 1e6 for cells in (table["t"], out))
    assert infer_column("t", out).format == form
    assert np.isfinite(made).all()
    assert real.min() <= made.min() <= made.max() <= real.max()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["independent", "copula", "bayes_net", "smote"])
def test_a_thousand_columns(kind):
    """A very wide table is learned and sampled."""
    draws = np.random.default_rng(0)
    wide = pa.table({f"c{i}": draws.integers(0, 20, 120) * (1.5 + i % 3) for i in range(1000)})
    assert resolve("synthesizer", kind)().fit(wide).sample(20).shape == (20, 1000)
