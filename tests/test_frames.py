"""Frames in, the same kind of frame out: labels, types and rows of pandas and polars."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import lookalike as la
from lookalike import frames
from lookalike.errors import SchemaError


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "age": pd.array(rng.integers(18, 90, n), dtype="Int64"),
            "paid": pd.array(rng.choice([True, False], n), dtype="boolean"),
            "plan": pd.Categorical(rng.choice(["free", "pro"], n), categories=["free", "pro", "enterprise"], ordered=True),
            "town": rng.choice(["Ulm", "Jena"], n).astype(object),
            "height": rng.normal(170, 9, n).astype("float32"),
            7: rng.normal(size=n),
        }
    )
    frame.loc[::9, ["age", "paid"]] = pd.NA
    return frame


def test_a_synthetic_frame_has_the_types_and_labels_of_the_real_one(people):
    """Nullable integers, booleans, objects and labels that are no texts come back as they were; a category has the levels drawn."""
    made = la.Independent().fit(people, seed=0).sample(400, seed=1)
    assert list(made.columns) == list(people.columns)
    assert {n: str(t) for n, t in made.dtypes.items()} == {n: str(t) for n, t in people.dtypes.items()}
    assert made["age"].isna().any()
    assert list(made["plan"].cat.categories) == ["free", "pro"]
    assert made["plan"].cat.ordered


def test_large_nullable_integers_keep_every_digit():
    """A column with gaps does not pass through floats."""
    frame = pd.DataFrame({"big": pd.array([2**62 + 1, None, 2**62 + 3], dtype="Int64")})
    back = frames.from_arrow(frames.to_arrow(frame), frames.frame_kind(frame))
    pd.testing.assert_frame_equal(back, frame)


def test_labels_of_several_levels_come_back():
    """A frame with a MultiIndex of columns gives one like it."""
    labels = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["outer", "inner"])
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=labels)
    back = frames.from_arrow(frames.to_arrow(frame).slice(0, 1), frames.frame_kind(frame))
    assert back.columns.equals(labels)
    assert back.columns.names == ["outer", "inner"]


def test_filling_gaps_keeps_the_rows_names(people):
    """`impute` changes cells, not which row is which: an assignment by index stays right."""
    real = people.set_index(np.arange(len(people))[::-1])
    filled = la.impute(real, method="median")
    assert filled.index.equals(real.index)
    assert filled["age"].dtype == "Int64"
    assert list(filled["plan"].cat.categories) == ["free", "pro", "enterprise"]


def test_a_loaded_model_gives_the_frames_it_was_fitted_on(people, tmp_path):
    """A model fitted on pandas, saved and loaded, samples pandas with nullable types; levels nobody drew are not in the file."""
    model = la.Independent().fit(people, seed=0)
    loaded = la.Synthesizer.load(model.save(tmp_path / "model"))
    made = loaded.sample(50, seed=1)
    assert isinstance(made, pd.DataFrame)
    assert made["age"].dtype == "Int64"
    assert made["plan"].dtype == "category"
    assert b"enterprise" not in (tmp_path / "model" / "model.json").read_bytes()


def test_polars_categories_and_lazy_frames():
    """Enums and categoricals come back; a lazy frame is collected."""
    frame = pl.DataFrame({"plan": ["free", "pro"] * 50, "town": ["Ulm", "Jena"] * 50, "x": [1, 2] * 50}).with_columns(
        pl.col("plan").cast(pl.Enum(["free", "pro"])), pl.col("town").cast(pl.Categorical), pl.col("x").cast(pl.Int8)
    )
    assert la.Independent().fit(frame).sample(20).schema == frame.schema
    assert la.Independent().fit(frame.lazy()).sample(20).schema == frame.schema


@pytest.mark.parametrize("column", [pd.Series([1, 2], name="age"), pl.Series("age", [1, 2])])
def test_one_column_is_no_table(column):
    """A series is refused with what to do."""
    with pytest.raises(SchemaError, match=r"not Series.*to_frame"):
        la.fit(column)
