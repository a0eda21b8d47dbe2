"""Near-duplicates by MinHash."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from lookalike.errors import UsageError
from lookalike.steps.minhash import near_duplicates, signatures

WORDS = [
    a + b + c
    for a in ("ka", "mo", "ti", "ru", "fe", "la")
    for b in ("s", "nd", "lk", "rt", "pp")
    for c in ("o", "em", "is", "ul")
]


def sentences(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=40)) for _ in range(n)]


def test_edits_of_three_words_in_forty_are_found_and_strangers_are_not():
    """Every text with up to three words changed joins its original; no two unrelated texts do."""
    base = sentences(400, 1)
    rng = random.Random(2)
    edited = []
    for text in base[:100]:
        words = text.split()
        for place in rng.sample(range(40), 3):
            words[place] = rng.choice(WORDS)
        edited.append(" ".join(words))
    groups = near_duplicates(base + edited, threshold=0.6)
    assert [int(groups.first[400 + i]) for i in range(100)] == list(range(100))
    assert not groups.repeats[:400].any()


def test_bands_miss_no_pair_that_is_near_enough():
    """Of 600 texts with 8 to 16 words in forty changed, all whose true similarity is at least 0.6 are found."""
    base = sentences(600, 5)
    rng = random.Random(6)
    edited = []
    for text in base:
        words = text.split()
        for place in rng.sample(range(40), rng.randint(8, 16)):
            words[place] = rng.choice(WORDS)
        edited.append(" ".join(words))

    def shingles(text):
        return {text[i : i + 5] for i in range(len(text) - 4)}

    pairs = [(shingles(a), shingles(b)) for a, b in zip(base, edited, strict=True)]
    near = [i for i, (a, b) in enumerate(pairs) if len(a & b) >= 0.6 * len(a | b)]
    assert 200 < len(near) < 600
    groups = near_duplicates(base + edited, threshold=0.6)
    assert [i for i in near if groups.first[600 + i] != i] == []


def test_case_and_punctuation_do_not_make_a_text_new():
    """Texts equal after lower-casing and dropping punctuation are exact duplicates."""
    groups = near_duplicates(["Hello, World!", "hello world", "ÉCOLE du bois", "école  du bois", "hello there world"])
    assert groups.exact.tolist() == [False, True, False, True, False]
    assert groups.first[:4].tolist() == [0, 0, 2, 2]


def test_null_and_empty_texts_are_alone():
    """Missing texts are nobody's duplicates, not even each other's."""
    groups = near_duplicates([None, "", "  ", "a", "a"])
    assert groups.first.tolist() == [0, 1, 2, 3, 3]
    assert near_duplicates([]).first.tolist() == []


def test_slices_and_chunks_of_arrow_columns_read_like_lists():
    """A sliced or chunked column gives the groups of the same list."""
    texts = sentences(20, 3) + sentences(5, 3)
    column = pa.chunked_array([pa.array(["x", *texts[:10]]).slice(1), pa.array(texts[10:])])
    assert near_duplicates(column).first.tolist() == near_duplicates(texts).first.tolist()


def test_agreeing_bins_estimate_the_similarity():
    """The share of equal signature bins is the Jaccard similarity within its standard error."""
    words = sentences(2, 4)
    half = words[0][: len(words[0]) // 2] + words[1][: len(words[1]) // 2]

    def shingles(text):
        return {text[i : i + 5] for i in range(len(text) - 4)}

    truth = len(shingles(words[0]) & shingles(half)) / len(shingles(words[0]) | shingles(half))
    marks, _ = signatures([words[0], half])
    assert abs(float((marks[0] == marks[1]).mean()) - truth) < 3 * (truth * (1 - truth) / 128) ** 0.5


def test_a_threshold_out_of_range_is_an_error():
    """Thresholds outside 0.3..1 are refused."""
    with pytest.raises(UsageError, match="threshold"):
        near_duplicates(["a"], threshold=0.1)
