"""Texts: vectors, diversity, shape, leftovers, overlap."""

from __future__ import annotations

import random

import numpy as np
import pytest

from lookalike.evaluate.text import diversity, leftovers, overlap, shape
from lookalike.evaluate.text.embed import HashedNgrams
from lookalike.evaluate.text.words import words

TOPICS = {
    "ward": "patient nurse fever ward doctor dose chart pain fracture tablet clinic surgeon blood wound visit".split(),
    "court": "judge court appeal statute ruling clause plaintiff witness verdict jury contract breach counsel oath trial".split(),
    "road": "lane truck brake signal wheel merge exit bridge tunnel driver fuel junction ramp kerb mirror".split(),
}


def corpus(n: int, seed: int, topics: tuple[str, ...] = tuple(TOPICS)) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(TOPICS[rng.choice(topics)], k=25)) for _ in range(n)]


def test_words_are_letters_digits_and_apostrophes():
    """Case and punctuation do not change a word's hash; n-grams never cross texts."""
    found = words(["The cat's mat.", None, "the CAT'S mat", "one"])
    assert found.lengths.tolist() == [3, 0, 3, 1]
    assert found.hashes[:3].tolist() == found.hashes[3:6].tolist()
    grams, owner = found.ngrams(2)
    assert owner.tolist() == [0, 0, 2, 2]
    assert grams[:2].tolist() == grams[2:].tolist()


def test_vectors_put_texts_of_one_topic_together():
    """Texts on one topic are nearer to each other than to those on another; rows have length 1."""
    a, b = corpus(40, 1, ("ward",)), corpus(40, 2, ("court",))
    embed = HashedNgrams(a + b)
    x, y = embed(a), embed(b)
    assert np.allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    assert (x @ x.T).mean() > 2 * (x @ y.T).mean()
    assert not embed([""]).any()


def test_vendi_score_counts_different_texts():
    """Copies of k unlike texts have a Vendi score of about k; equal texts one of 1."""
    eye = np.eye(8, 64, dtype=np.float32)
    assert diversity.vendi_score(np.repeat(eye, 25, axis=0)) == pytest.approx(8)
    assert diversity.vendi_score(np.repeat(eye[:1], 50, axis=0)) == pytest.approx(1)
    assert diversity.vendi_score(np.zeros((3, 4), dtype=np.float32)) == 0


def test_distinct_n_and_compression_fall_with_repetition():
    """One sentence said again and again has few distinct n-grams and compresses well."""
    varied, stuck = corpus(200, 3), ["the same sentence once more again"] * 200
    assert diversity.distinct_n(words(stuck), 2) == pytest.approx(5 / 1000)
    assert diversity.distinct_n(words(varied), 2) > 0.1
    assert diversity.compression_ratio(stuck) < 0.05 < diversity.compression_ratio(varied)


def test_a_missing_topic_lowers_the_coverage():
    """Synthetic texts on two of three topics miss about a third of the real clusters; texts on all three miss few."""
    real = corpus(300, 4)
    embed = HashedNgrams(real)
    whole = diversity.cluster_coverage(embed(real), embed(corpus(300, 5)), clusters=9)
    part = diversity.cluster_coverage(embed(real), embed(corpus(300, 6, ("ward", "court"))), clusters=9)
    assert whole.overlap > 0.8 > part.overlap
    assert whole.hit > part.hit


def test_semantic_duplicates_count_each_repeat_once():
    """k copies of a text are k - 1 repeats, whatever the tile size."""
    vectors = HashedNgrams()(corpus(30, 7) + [corpus(1, 8)[0]] * 4)
    assert diversity.semantic_duplicates(vectors, threshold=0.999, tile=7) == pytest.approx(3 / 34)


def test_shapes_of_a_known_text():
    """Words, sentences and letters are counted; identical series agree completely."""
    series = shape.shapes(["The cat sat. The dog ran!", ""])
    assert series["words"].tolist() == [6, 0]
    assert series["sentences"].tolist() == [2, 1]
    assert series["letters a word"][0] == 3
    assert shape.ks_complement(series["words"], series["words"]) == 1
    assert shape.ks_complement(np.zeros(5), np.ones(5)) == 0


def test_leftovers_of_language_models_are_found_and_ordinary_notes_are_not():
    """Refusals, self-reference, boilerplate, markers and placeholders are told apart; clean notes have none."""
    bad = [
        "I'm sorry, but I cannot assist with that request.",
        "As an AI language model, I don't have a birthday.",
        "Sure! Here is the note you asked for.",
        "<|im_start|>assistant The patient is well.",
        "Dear [Your Name], the parcel is late.",
    ]
    clean = [
        "The patient is sorry to be late and cannot walk.",
        "Here he is, certain of nothing.",
        "The sure thing is the help we provide.",
    ]
    found = leftovers.leftovers(bad + clean)
    assert dict(found.items()) == {
        "refusal": [0], "self-reference": [1], "boilerplate": [2], "marker": [3], "placeholder": [4],
    }  # fmt: skip


def test_a_leaked_prompt_is_found_and_its_variables_are_not():
    """Eight words of the template in a row are a leak; words that were filled in are not."""
    prompt = "Write one short visit note for a patient aged {{ age }} who has a very long list of complaints about {{ topic }}."
    texts = ["Write one short visit note for a patient aged 40, fever.", "A patient aged 40 has a very short list."]
    assert leftovers.prompt_leaks(texts, [prompt]) == [0]


def test_verbatim_runs_are_measured_in_words():
    """A copied stretch is as long as it is; shares count n-grams."""
    source = corpus(50, 9)
    own = [f"own{i}" for i in range(25)]
    stolen = " ".join([*own[:10], *source[3].split()[5:20], *own[10:]])
    found = overlap.overlap([stolen, " ".join(own), source[0], "too short"], source, n=8)
    assert found.longest.tolist() == [15, 0, 25, 0]
    assert found.share[2] == 1
    assert found.share[1] == 0


def test_contamination_needs_a_run_of_thirteen_words_or_a_whole_short_item():
    """Benchmark items are found by 13 words in a row, short ones when contained whole."""
    benchmark = [" ".join(f"w{i}" for i in range(20)), "who wrote the long blue book"]
    texts = [
        "so " + " ".join(f"w{i}" for i in range(4, 17)),
        "so " + " ".join(f"w{i}" for i in range(4, 16)),
        "asked: Who wrote the long blue book?",
        "who wrote the blue book",
    ]
    assert overlap.contaminated(texts, benchmark) == [0, 2]
    assert overlap.contaminated(texts, []) == []
