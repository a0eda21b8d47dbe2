"""Duplicates by spelling and by meaning, in a step and replaced in a run."""

import random
import re
import unicodedata
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike import api
from lookalike.errors import RecipeError
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.run.engine import Options, run
from lookalike.steps import seen
from lookalike.steps.dedup import Dedup
from lookalike.steps.seen import Meant

CONTEXT = Context(0, "t", "step 0", None)


def kept(values, cuts=(), **settings):
    """Ids of the rows that stay when the rows come in batches cut at these places, and the reasons of the others."""
    step = Dedup(on="x", **settings).open()
    ids, reasons = [], []
    for start, stop in zip([0, *cuts], [*cuts, len(values)], strict=True):
        batch = Batch("t", np.arange(start, stop), {"x": values.slice(start, stop - start)})
        found = step.apply(batch, CONTEXT)
        ids += found.batch.ids.tolist()
        reasons += found.reasons
    return ids, reasons


def vectors(rows):
    return pa.array(rows, pa.list_(pa.float32()))


def test_vectors_that_point_the_same_way_are_one():
    """The cosine counts, not the length; null and zero vectors are like nothing."""
    rows = [[1, 0], [2, 0.02], [0, 3], None, None, [0, 0], [0, 0], [-1, 0]]
    assert kept(vectors(rows), method="embedding", threshold=0.99)[0] == [0, 2, 3, 4, 5, 6, 7]
    assert kept(vectors([None, None, *rows]), [2], method="embedding", threshold=0.99)[0] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert kept(vectors(rows), method="embedding", threshold=0.99)[1] == ["1.00 like an earlier x"]


@settings(max_examples=30)
@given(
    st.integers(0, 2**32),
    st.lists(st.integers(1, 59), unique=True, max_size=6).map(sorted),
    st.sampled_from([("embedding", 0.8), ("minhash", 0.6), ("exact", None)]),
)
def test_what_stays_does_not_depend_on_how_rows_are_cut(seed, cuts, method):
    """Batches of any size, one verdict; and no two kept rows are as near as the threshold."""
    g = np.random.default_rng(seed)
    rows = g.normal(size=(60, 6)) if method[0] == "embedding" else None
    values = (
        vectors(rows.tolist())
        if rows is not None
        else pa.array(["ab cd ef"[: k % 9] + " gh" * (k % 3) for k in g.integers(0, 99, 60)])
    )
    ids, _ = kept(values, cuts, method=method[0], threshold=method[1])
    assert ids == kept(values, method=method[0], threshold=method[1])[0]
    if rows is not None:
        unit = rows[ids] / np.linalg.norm(rows[ids], axis=1, keepdims=True)
        near = unit @ unit.T - np.eye(len(ids))
        assert near.max(initial=-1) < 0.8 + 1e-3


@pytest.mark.parametrize("threshold", [0.3, 0.7, 0.85, 0.95])
@pytest.mark.parametrize("width", [3, 40, 512])
def test_every_near_vector_is_found_and_no_other(threshold, width):
    """Bounds, groups and blocks change nothing: the rows that stay are those that cosines in double precision leave."""
    g = np.random.default_rng(width)
    family = g.normal(size=(40, width))[g.integers(0, 40, 400)]  # ten of a kind, at all distances from each other
    rows = family + g.normal(size=family.shape) * g.choice([0, 0.05, 0.2, 0.5, 2], (400, 1))
    rows[7] = 0
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)
    stay = []
    for row in range(400):
        near = (unit[stay] @ unit[row]).max(initial=-1.0)
        if near < threshold - 1e-9:
            stay.append(row)
    memory, column = Meant("x", threshold, group=64, block=96), vectors(rows.tolist())
    reasons = [reason for start, stop in pairwise((0, 1, 2, 70, 333, 400)) for reason in memory.judge([column[start:stop]])]
    ids = [row for row, reason in enumerate(reasons) if reason is None]
    assert ids == stay
    assert 5 < len(ids) < 380


def test_copies_are_found_at_the_highest_threshold():
    """A vector has a cosine of one with itself, whatever it was rounded to; a text with a copy of itself."""
    rows = np.random.default_rng(0).normal(size=(30, 100))
    assert kept(vectors([*rows.tolist(), *rows.tolist()]), method="embedding", threshold=1.0)[0] == list(range(30))
    texts = ["the red kettle boils quickly", "my cat sleeps on the roof"]
    assert kept(pa.array(texts * 2).dictionary_encode(), method="embedding", threshold=1.0)[0] == [0, 1]


@pytest.mark.parametrize(("cells", "says"), [([[1.0, float("nan")]], "no finite number"), ([[1.0, None]], "no finite number"), ([1, 2], "neither a text nor a vector")])  # fmt: skip
def test_what_is_no_vector_is_an_error(cells, says):
    """A gap in a vector would be like nothing for ever, a number is no vector: both are said."""
    with pytest.raises(RecipeError, match=says):
        kept(pa.array(cells), method="embedding")


def test_texts_are_compared_without_a_model():
    """Another order of the same words is near for n-grams of words' characters; another topic is far."""
    texts = pa.array(["the red kettle boils quickly", "quickly the red kettle boils", "my cat sleeps on the roof"])
    assert kept(texts, method="embedding", threshold=0.9)[0] == [0, 2]


def test_vectors_of_another_width_are_an_error():
    """One model for the whole column."""
    with pytest.raises(RecipeError, match="a vector of 3 numbers among vectors of 2"):
        kept(vectors([[1, 0], [1, 2, 3]]), method="embedding")
    with pytest.raises(RecipeError, match="a vector of 3 numbers among vectors of 2"):
        kept(vectors([[1, 0], [1, 2, 3]]), [1], method="embedding")


SYLLABLES = [a + b + c for a in ("ka", "mo", "ti", "ru") for b in ("s", "nd", "rt", "m") for c in ("o", "em", "is", "ul")]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("words", [3, 8, 40])
def test_no_two_kept_texts_are_as_near_as_the_threshold(threshold, words):
    """Of families of texts, with all grades of likeness among them, the kept ones are apart and each dropped one was near."""
    draw = random.Random(words)
    texts = []
    for _ in range(25):
        first = draw.choices(SYLLABLES, k=words)
        texts += [
            " ".join(w if draw.random() > changed else draw.choice(SYLLABLES) for w in first)
            for changed in (0, 0.02, 0.05, 0.1, 0.2, 0.4)
        ]
    draw.shuffle(texts)
    ids, reasons = kept(pa.array(texts), (64, 99), threshold=threshold)
    grams = [{text[i : i + 5] for i in range(max(1, len(text) - 4))} for text in texts]

    def near(a, b):
        return len(grams[a] & grams[b]) / len(grams[a] | grams[b])

    assert max((near(a, b) for a, b in combinations(ids, 2)), default=0) < threshold
    dropped = sorted(set(range(len(texts))) - set(ids))
    assert len(dropped) == len(reasons)
    assert all(max(near(row, other) for other in ids if other < row) >= threshold for row in dropped)


@given(st.text(), st.text())
def test_texts_are_folded_alike_whatever_their_alphabet(a, b):
    """The quick way for ASCII and the long way for the rest call the same texts equal."""
    if a.isascii():
        assert seen.folded(a) == re.sub(r"[\W_]+", " ", a.casefold()).strip()
    assert seen.folded(unicodedata.normalize("NFD", a)) == seen.folded(unicodedata.normalize("NFC", a))
    step = Dedup(on="x", threshold=1.0).open()
    verdicts = step.apply(Batch("t", np.arange(2), {"x": pa.array([a, b])}), CONTEXT).reasons
    assert bool(verdicts) == (seen.shingles(seen.folded(a)) == seen.shingles(seen.folded(b)))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("यह दिन अच्छा है", "यह दीन अच्छा है", False),  # day, poor: they differ in a vowel sign
        ("เขากินข้าว", "เขากันข้าว", False),  # eats, keeps off
        ("Le café noir!", "le cafe\u0301 noir", True),
        ("हिन्दी में, लिखो", "हिन्दी में लिखो।", True),
        ("STRASSE 5", "Straße 5", True),
    ],
)
def test_marks_are_part_of_their_letters(a, b, same):
    """Vowel signs tell words of Hindi and Thai apart; a letter and its accent are one, composed or not."""
    assert (kept(pa.array([a, b]), method="exact")[0] == [0]) == same


TEXT = """
name: apart
models:
  m: {kind: scripted, replies: [one kettle boils, a kettle boils, the cat sleeps, rain falls on roofs, trains run late, bread is warm]}
  e: {kind: ngram}
tables:
  a:
    rows: 4
    cap: 50
    columns:
      note: {kind: prompt, model: m, prompt: "write"}
      vector: {kind: embed, model: e, text: "{{ note }}", hidden: true}
    steps: [{kind: dedup, on: vector, method: embedding, threshold: 0.7}]
"""


def test_semantic_duplicates_are_replaced_while_generating(tmp_path):
    """The table has its count, and no two of its texts are near."""
    run(compile_plan(load(TEXT), tmp_path), tmp_path / "r", Options())
    notes = pq.read_table(tmp_path / "r" / "tables" / "a")["note"].to_pylist()
    assert len(set(notes)) == len(notes) == 4
    assert not {"one kettle boils", "a kettle boils"} <= set(notes)
    assert "vector" not in pq.read_table(tmp_path / "r" / "tables" / "a").column_names


def test_near_duplicates_are_replaced_while_generating(tmp_path):
    """Every text has a near copy among the replies: the table has its count, one text of each pair, and counts what it replaced."""
    texts = [" ".join(random.Random(n).choices(SYLLABLES, k=30)) for n in range(6)]
    recipe = {
        "lookalike": 1, "name": "near", "seed": 1,
        "models": {"m": {"kind": "scripted", "replies": [*texts, *(f"{text.upper()}, indeed." for text in texts)]}},
        "tables": {"a": {"rows": 6, "cap": 100, "columns": {"note": {"kind": "prompt", "model": "m", "prompt": "write"}},
                         "steps": [{"kind": "dedup", "on": "note"}]}},
    }  # fmt: skip
    made = api.run(recipe, to=tmp_path / "r")
    assert sorted(note.lower().removesuffix(", indeed.") for note in made.table("a")["note"].to_pylist()) == sorted(texts)
    outcomes = made.manifest["tables"]["a"]["outcomes"]
    assert outcomes["kept"] == 6
    assert outcomes["duplicate"] == outcomes["attempted"] - 6 > 0
