"""augment and its operators: labels hold, characters stay whole, everything is a function of the row."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import RecipeError, SchemaError, UnknownColumn
from lookalike.generators.text.augment import Augment, augmented
from lookalike.generators.text.edits import Edit, OffsetMap, apply, cuts, disjoint
from lookalike.registry import kinds, resolve
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

OPERATORS = [resolve("operator", kind)() for kind in kinds("operator")]
HOT = [type(op)(**{name: 1.0 for name in ("rate",) if name in type(op).model_fields}) for op in OPERATORS]
SENTENCES = (
    "The dog chased the small cats.", "We left because it was raining.", "I bought a good car, and it broke.", "The box was heavy.",
    "However, she did not like it.", "It is a shame that they aren't here.", "Yesterday, the bag arrived.", "هذا نص قصير.",
    "Ze\u0301ro cafe\u0301 cre\u0300me.", "👩‍👩‍👧 came home 🇫🇷.", "नमस्ते दुनिया।", "שלום עולם.", "",
    "A terrible answer\r\n\r\nto an easy question?", "They will purchase an inexpensive gift for Dr. Smith in 2024.",
)  # fmt: skip


@st.composite
def documents(draw):
    """A text of ordinary, odd and random sentences, with some spans."""
    parts = draw(st.lists(st.sampled_from(SENTENCES) | st.text(max_size=25), min_size=1, max_size=4))
    text = " ".join(part.encode("utf-8", "ignore").decode() for part in parts)
    borders = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(borders, borders).map(sorted).map(tuple), max_size=3))
    return text, spans


@given(documents(), st.integers(0, 2**62), st.sampled_from(HOT + OPERATORS))
@settings(max_examples=400)
def test_every_span_keeps_its_characters(document, row, operator):
    """After any operator, every protected span is still there and covers the same characters."""
    text, spans = document
    (draft,) = augmented([text], [spans], [operator], key=7, ids=np.array([row]))
    assert [draft.text[a:b] for a, b in draft.spans] == [text[a:b] for a, b in spans]


@given(documents(), st.integers(0, 2**62))
@settings(max_examples=100)
def test_spans_hold_through_all_operators_in_a_row(document, row):
    """Eighteen operators one after another still leave every protected span over its characters."""
    text, spans = document
    (draft,) = augmented([text], [spans], HOT, key=7, ids=np.array([row]))
    assert [draft.text[a:b] for a, b in draft.spans] == [text[a:b] for a, b in spans]


@given(documents(), st.sampled_from(HOT))
@settings(max_examples=200)
def test_no_edit_cuts_a_visible_character(document, operator):
    """The borders of every edit that is made lie between characters that a reader sees, never before a combining mark."""
    text, _ = document
    (draft,) = augmented([text], [()], [operator], key=7, ids=np.array([5]))
    for edit, before in draft.edits:
        assert not cuts(before, edit.start)
        assert not cuts(before, edit.end)
        assert edit.end == len(before) or not unicodedata.category(before[edit.end]).startswith("M")


@given(st.lists(documents(), min_size=2, max_size=6), st.sampled_from(HOT))
@settings(max_examples=60)
def test_a_variant_never_depends_on_its_batch(several, operator):
    """A text gives the same variant alone and in any batch."""
    originals, spans = [text for text, _ in several], [spans for _, spans in several]
    ids = np.arange(len(several)) * 3 + 1
    together = augmented(originals, spans, [operator], key=3, ids=ids)
    alone = [augmented([t], [s], [operator], key=3, ids=ids[i : i + 1])[0] for i, (t, s) in enumerate(several)]
    assert [d.text for d in together] == [d.text for d in alone]


@given(
    st.text("abc ", max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4), st.text("xyz", max_size=4)), max_size=5),
)
def test_offset_maps_agree_with_the_text(text, raw):
    """An untouched character lies where the map says; edits and map always agree."""
    edits = disjoint(Edit(a, min(len(text), a + n), new) for a, n, new in raw if a <= len(text))
    new, offsets = apply(text, edits), OffsetMap(edits)
    assert offsets.offset(len(text)) == len(new)
    for at in range(len(text)):
        place = offsets.span(at, at + 1)
        changed = any(e.start <= at < e.end for e in edits)
        assert (place is None) == changed
        assert place is None or new[place[0]] == text[at]


def test_overlapping_edits_are_refused():
    """Edits that overlap are an error, not a broken text."""
    with pytest.raises(ValueError, match="overlap"):
        apply("abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])


def column(spec, columns, ids=None):
    n = len(next(iter(columns.values())))
    batch = Batch("t", np.arange(n) if ids is None else np.asarray(ids), {k: pa.array(v) for k, v in columns.items()})
    return spec.generate(batch, Context(seed=1, table="t", column="c", tables=None)).to_pylist()


def test_entities_and_labels_follow():
    """A record holds moved entities with their own fields, the flipped label and what was done."""
    spec = Augment.model_validate(
        {"text": "note", "protect": "entities", "label": "mood", "flip": {"good": "bad"}, "edits": True,
         "operators": [{"kind": "negate"}]}
    )  # fmt: skip
    columns = {
        "note": ["The Ritz is lovely.", None],
        "entities": [[{"start": 4, "end": 8, "label": "HOTEL"}], None],
        "mood": ["good", None],
    }
    first, second = column(spec, columns)
    assert first["text"] == "The Ritz is not lovely."
    assert first["spans"] == [{"start": 4, "end": 8, "label": "HOTEL"}]
    assert first["label"] == "bad"
    assert first["edits"] == [{"operator": "negate", "start": 11, "end": 11, "before": "", "after": " not"}]
    assert second is None


@pytest.mark.parametrize(
    ("labels", "flip", "new"),
    [
        (pa.array([True, False, None]), {True: False, False: True}, [False, True, None]),
        (pa.array([1, 0, None], pa.int8()), {1: 0, 0: 1}, [0, 1, None]),
        (pa.array([0.5, 1.0, None]), {0.5: -0.5, "1.0": "-1.0"}, [-0.5, -1.0, None]),
        (pa.array(["a", "b", None]).dictionary_encode(), {"a": "b"}, ["b", None, None]),
        (pa.nulls(3), {"a": "b"}, [None] * 3),
    ],
)
def test_labels_keep_their_type(labels, flip, new):
    """Truth values, numbers, categories and nothing at all are turned round as texts are, and stay what they are."""
    spec = Augment.model_validate({"text": "s", "label": "y", "flip": flip, "operators": [{"kind": "negate"}]})
    spec = Augment.parse(spec.dump())  # a saved recipe says the same
    batch = Batch("t", np.arange(3), {"s": pa.array(["The box is heavy."] * 3), "y": labels})
    cells = spec.generate(batch, Context(seed=1, table="t", column="c", tables=None))
    found = pa.compute.struct_field(cells, "label")
    assert found.to_pylist() == new
    assert found.type == (pa.string() if pa.types.is_dictionary(labels.type) else labels.type)


def test_a_flip_of_another_type_is_an_error():
    """Texts for a column of truth values: the column, its type and the flip are named."""
    spec = Augment.model_validate({"text": "s", "label": "y", "flip": {"good": "bad"}, "operators": [{"kind": "negate"}]})
    with pytest.raises(RecipeError, match="labels in 'y' are bool"):
        column(spec, {"s": ["The box is heavy."], "y": [True]})


def test_answers_of_questions_may_be_single_structs():
    """A single {start, end} keeps its form and still points at its answer."""
    spec = Augment.model_validate({"text": "context", "protect": "answer", "operators": [{"kind": "front_clause", "rate": 1}]})
    (cell,) = column(spec, {"context": ["We left because it was raining."], "answer": [{"start": 16, "end": 30}]})
    assert cell["text"] == "Because it was raining, we left."
    assert cell["text"][cell["spans"]["start"] : cell["spans"]["end"]] == "it was raining"


def test_unknown_effects_clear_the_label():
    """A label whose fate is unknown becomes null, never a guess."""
    spec = Augment.model_validate({"text": "s", "label": "y", "operators": [{"kind": "question", "rate": 1}]})
    assert [cell["label"] for cell in column(spec, {"s": ["The box is heavy.", "Hm."], "y": ["a", "a"]})] == [None, "a"]


def test_kept_patterns_stay():
    """What a `keep` pattern matches is never touched, whatever the severity."""
    spec = Augment.model_validate({"text": "s", "keep": ["[A-Z]{2}-\\d+"], "operators": [{"kind": "keyboard", "rate": 1}]})
    (cell,) = column(spec, {"s": ["please send part QX-4711 tomorrow"]})
    assert "QX-4711" in cell
    assert "please" not in cell


@pytest.mark.parametrize(
    ("spans", "said"), [([[{"start": 0, "end": 99}]], "leaves its text"), ([[{"begin": 1, "end": 2}]], "is no span")]
)
def test_bad_spans_are_named(spans, said):
    """A span outside its text, or without start and end, is an error with table, column and row."""
    spec = Augment.model_validate({"text": "s", "protect": "e", "operators": [{"kind": "synonym"}]})
    with pytest.raises(SchemaError, match=said) as caught:
        column(spec, {"s": ["short"], "e": spans})
    assert "row 0" in str(caught.value)


def test_missing_columns_are_named():
    """A text column that does not exist is an error with a suggestion."""
    spec = Augment.model_validate({"text": "revew", "operators": [{"kind": "synonym"}]})
    with pytest.raises(UnknownColumn, match="review"):
        column(spec, {"review": ["x"]})


def test_different_rows_get_different_variants():
    """Variants of one text differ by row id, and `pick` limits how many operators a row sees."""
    spec = Augment.model_validate(
        {"text": "s", "pick": 1, "edits": True, "operators": [{"kind": "keyboard"}, {"kind": "synonym", "rate": 1}]}
    )
    cells = column(spec, {"s": ["The doctor bought an expensive automobile and a cheap gift."] * 40})
    assert len({cell["text"] for cell in cells}) > 10
    assert all(len({edit["operator"] for edit in cell["edits"]}) <= 1 for cell in cells)
