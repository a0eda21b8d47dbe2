"""How alike two texts are: the quick ways give what the definition gives."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lookalike.generators.text.conversing import Told, alike, similarity

SPOKEN = st.lists(st.sampled_from("a b c d e Ünlü, word. 7".split()), max_size=70).map(" ".join)


def rouge(a, b):
    """ROUGE-L F1 by the textbook's table."""
    x, y = (re.findall(r"\w+", text.lower())[:400] for text in (a, b))
    if not x or not y:
        return float(x == y)
    row = [0] * (len(y) + 1)
    for word in x:
        diagonal = 0
        for j, other in enumerate(y, 1):
            diagonal, row[j] = row[j], diagonal + 1 if word == other else max(row[j], row[j - 1])
    return 2 * row[-1] / (len(x) + len(y))


@given(SPOKEN, SPOKEN)
def test_similarity_is_rouge_l(a, b):
    """The bits of a number give exactly what the table gives."""
    assert similarity(a, b) == rouge(a, b)


@given(SPOKEN, SPOKEN, st.integers(0, 70), st.sampled_from([0.5, 0.85, 0.98]))
def test_alike_rules_out_nothing_that_is_alike(a, b, cut, least):
    """The look at the sets of words never changes the verdict, for strangers and for near copies."""
    for other in (b, a[:cut] + b[cut:], a[: cut // 2]):
        assert alike(a, other, least) == (rouge(a, other) > least)


@given(st.lists(SPOKEN, max_size=8), st.integers(0, 70), st.sampled_from([0.5, 0.85, 0.98]))
def test_what_is_told_again_is_found(texts, cut, least):
    """The count of new words never changes the verdict: a text is told again when it is like one that was not."""
    told, kept = Told(), []
    for text in [x for a in texts for x in (a, a[:cut], f"well, {a}")]:
        again = any(rouge(text, earlier) > least for earlier in kept)
        assert told.again(text, least) == again
        kept += [] if again else [text]


@given(st.text(), st.integers(0, 2))
def test_words_are_the_same_on_both_ways(text, long):
    """ASCII is cut by a table and the rest by an expression; both stop at 400 words."""
    text = f"{text} " + "word_1, Two; " * (long * 999)
    assert similarity(text, text.upper()) == rouge(text, text.upper())
