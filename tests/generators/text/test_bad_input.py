"""Bad input: clear errors or counted rejections, never a broken text or a hang."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import RecipeError, SourceError
from lookalike.generators.text.augment import Augment, augmented
from lookalike.generators.text.infill import Infill
from lookalike.generators.text.ngrams import WordModel
from lookalike.models.base import CallFailed
from lookalike.registry import kinds, resolve
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

CTX = Context(seed=1, table="t", column="c", tables=None)
ALL = [resolve("operator", kind)() for kind in kinds("operator")]


def test_an_empty_corpus_cannot_be_learned():
    """A corpus of nulls and blanks is an error that says so."""
    with pytest.raises(SourceError, match="no words"):
        WordModel.fit([None, " ", ""])


def test_numbers_are_no_text():
    """A column of numbers is an error that names the column and its type."""
    spec = Augment.model_validate({"text": "x", "operators": [{"kind": "synonym"}]})
    with pytest.raises(RecipeError, match="int64"):
        spec.generate(Batch("t", np.arange(1), {"x": pa.array([1])}), CTX)


def test_a_column_of_nulls_gives_nulls():
    """Labels without text: nothing to change, nothing invented."""
    spec = Augment.model_validate({"text": "x", "operators": [{"kind": "synonym"}, {"kind": "keyboard"}]})
    assert spec.generate(Batch("t", np.arange(2), {"x": pa.nulls(2)}), CTX).to_pylist() == [None, None]


def test_an_empty_batch_is_fine():
    """No rows in, no rows out, for every operator."""
    for operator in ALL:
        assert augmented([], [], [operator], key=1, ids=np.empty(0, np.int64)) == []


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "\ufeffBOM", "a" * 50_000, "." * 50_000, "( " * 20_000, "é" * 20_000, "\u202eright to left"]
)
def test_odd_texts_pass_through_every_operator(text):
    """Null bytes, marks, walls of one character and direction marks neither fail nor take long."""
    (draft,) = augmented([text], [[(0, min(1, len(text)))]], ALL, key=1, ids=np.array([1]))
    assert draft.text[slice(*draft.spans[0])] == text[:1]


@pytest.mark.parametrize(
    ("kind", "body"),
    [("qa", {"document": "{{ x }}"}), ("summarise", {"text": "{{ x }}"}), ("translate", {"text": "{{ x }}", "to": "German"})],
)
def test_empty_documents_fail_their_cell(kind, body):
    """An empty document costs no call; the cell fails with the reason."""
    conversation = resolve("generator", kind).model_validate(body).converse({"_id": 1, "x": " "}, CTX)
    with pytest.raises(CallFailed, match="is empty"):
        next(conversation)


def test_infill_needs_something_to_learn_from():
    """Neither corpus nor model is an error that says what to give."""
    with pytest.raises(ValueError, match=r"corpus: source\.column"):
        Infill.model_validate({"text": "x"})


@pytest.mark.parametrize(
    "body", [{"operators": []}, {"operators": [{"kind": "synonim"}]}, {"operators": [{"kind": "synonym"}], "keep": ["("]}]
)
def test_bad_specs_are_named(body):
    """No operator, an unknown one and a broken pattern are errors when the recipe is read."""
    with pytest.raises(ValueError, match=r"operators|synonym|no regular expression"):
        Augment.model_validate({"text": "x", **body})
