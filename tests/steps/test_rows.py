"""balance, sample, filter, redact: which rows stay, with which reason the others go, whatever the types and the batches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike import api
from lookalike.errors import RecipeError
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.steps.balance import Balance
from lookalike.steps.filter import Filter
from lookalike.steps.redact import Redact
from lookalike.steps.sample import Sample

CTX = Context(1, "t", "step 0", None)


def apply(step, columns, cuts=()):
    """Kept rows and reasons, with the rows in batches cut at these places."""
    step, n = step.open(), len(next(iter(columns.values())))
    rows, reasons = [], []
    for start, stop in zip([0, *cuts], [*cuts, n], strict=True):
        batch = Batch(
            "t", np.arange(start, stop), {name: values.slice(start, stop - start) for name, values in columns.items()}
        )
        kept = step.apply(batch, CTX)
        assert len(kept.batch) + len(kept.dropped) == stop - start
        assert len(kept.reasons) == len(kept.dropped)
        rows += [{"_id": i, **row} for i, row in zip(kept.batch.ids.tolist(), kept.batch.rows(), strict=True)]
        reasons += kept.reasons
    return rows, reasons


@pytest.mark.parametrize(
    ("labels", "counts"),
    [(["a", "b", "c"], {"a": 3, "b": 5}), ([True, False], {True: 3, False: 5}), ([1, 2, 3], {1: 3, 2: 5}),
     ([1.0, 2.5, None], {1: 3, 2.5: 5})],
)  # fmt: skip
def test_class_counts_are_exact(labels, counts):
    """Labels of every type come to the counts asked for, the first rows by id; other classes and missing labels go."""
    values = pa.array([labels[k % len(labels)] for k in range(60)])
    rows, reasons = apply(Balance(on="y", counts=counts), {"y": values}, cuts=(7, 31))
    assert Counter(row["y"] for row in rows) == counts
    assert [row["_id"] for row in rows if row["y"] == labels[0]] == [0, len(labels), 2 * len(labels)]
    assert all("has its" in reason or "is not asked for" in reason for reason in reasons)


def test_no_class_is_more_than_its_share():
    """`most` holds for every class, missing labels too, and for labels that are lists."""
    rows, _ = apply(Balance(on="y", most=2), {"y": pa.array([["a"], ["a"], None, ["a"], None, None, ["b"]])})
    assert [row["_id"] for row in rows] == [0, 1, 2, 4, 6]


def test_class_counts_are_exact_in_a_run(tmp_path):
    """With `rows`, rows are made until every class has its count."""
    columns = {"y": {"kind": "bernoulli", "p": 0.2}}
    steps = [{"kind": "balance", "on": "y", "counts": {True: 30, False: 10}}]
    recipe = {
        "lookalike": 1,
        "name": "r",
        "seed": 1,
        "tables": {"t": {"rows": 40, "cap": 100, "columns": columns, "steps": steps}},
    }
    made = api.run(recipe, to=tmp_path / "r").table("t")["y"].to_pylist()
    assert Counter(map(bool, made)) == {True: 30, False: 10}


@given(st.lists(st.integers(1, 199), unique=True, max_size=4).map(sorted), st.floats(0.05, 1))
def test_a_sample_is_a_function_of_the_row(cuts, share):
    """The same rows for every way of cutting batches, and about as many as asked for; a larger share keeps them all."""
    columns = {"x": pa.array(range(200))}
    ids = {row["_id"] for row in apply(Sample(share=share), columns, cuts)[0]}
    assert ids == {row["_id"] for row in apply(Sample(share=share), columns)[0]}
    assert abs(len(ids) - 200 * share) < 5 * (200 * share * (1 - share)) ** 0.5 + 1
    assert ids <= {row["_id"] for row in apply(Sample(share=min(1, share + 0.1)), columns)[0]}


def test_null_is_no():
    """A condition that is unknown drops its row, with the condition as reason."""
    rows, reasons = apply(Filter(where="x > 2"), {"x": pa.array([1, 3, None])})
    assert [row["x"] for row in rows] == [3]
    assert reasons == ["not x > 2"] * 2


def test_personal_data_is_replaced_in_place():
    """Every hit of a cell, between combining characters and other scripts too; the rest stays to the character."""
    texts = ["Mail a.b@example.com or c@example.org, cafe\u0301!", "e\u0301👩‍👩‍👧 a.b@example.com שלום", None, "nothing"]
    rows, _ = apply(Redact(columns="x", kinds=("email",)), {"x": pa.array(texts)})
    assert [row["x"] for row in rows] == [
        "Mail [EMAIL] or [EMAIL], cafe\u0301!", "e\u0301👩‍👩‍👧 [EMAIL] שלום", None, "nothing"
    ]  # fmt: skip


@pytest.mark.parametrize("values", [pa.nulls(2), pa.array(["a@example.com", "x"]).dictionary_encode(), pa.array(["a@example.com", "x"], pa.large_string())])  # fmt: skip
def test_every_text_type_is_redacted(values):
    """Nulls, categories and large texts are read as texts are, and stay what they are."""
    batch = Redact(columns="x").apply(Batch("t", np.arange(2), {"x": values}), CTX).batch
    assert batch["x"].type == values.type
    assert batch["x"].to_pylist() == ([None, None] if pa.types.is_null(values.type) else ["[EMAIL]", "x"])


def test_numbers_are_no_text_to_redact():
    """A column of numbers is an error that names it, not a column left as it is."""
    with pytest.raises(RecipeError, match="column 'x' holds int64, not text"):
        apply(Redact(columns="x"), {"x": pa.array([1])})
