"""Right-to-left scripts, combining characters and emoji in offsets: chunks, quotations and filled gaps cut none of them."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.generators.text.chunks import chunked
from lookalike.generators.text.edits import cuts
from lookalike.generators.text.finding import find_quote
from lookalike.generators.text.infill import Infill
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

WORDS = (
    "שָׁלוֹם",
    "עולם",
    "مَرْحَبًا",
    "العالم",
    "cafe\u0301",
    "naïve",
    "Ze\u0301ro",
    "👩‍👩‍👧",
    "🇫🇷",
    "नमस्ते",
    "हिन्दी",
    "한국어",
    "tea",
    "\u202bx\u202c",
    "…",
    "e\u0301" * 20,
)
MIXED = st.lists(st.sampled_from(WORDS), max_size=30).flatmap(
    lambda words: st.sampled_from(["", " ", ". "]).map(lambda gap: gap.join(words))
)


class Tables:
    table = pa.table({"x": ["שָׁלוֹם עולם. cafe\u0301 au lait.", "مَرْحَبًا العالم.", "👩‍👩‍👧 came home."] * 3})

    def source(self, name):
        return self.table


@given(MIXED, st.integers(20, 80))
def test_chunks_cut_no_visible_character(document, size):
    """A wall of letters with marks is cut between them; every chunk is a piece of the document, and together they are all of it."""
    chunks = chunked(document, size=size)
    assert not any(cuts(document, border) for chunk in chunks for border in (chunk.start, chunk.end))
    covered = set().union(*(range(c.start, c.end) for c in chunks))
    assert all(document[at].isspace() for at in range(len(document)) if at not in covered)


@given(st.lists(st.sampled_from(WORDS[:-1]), min_size=1, max_size=8), st.data())
def test_quotations_are_found_in_every_form(words, data):
    """Composed or decomposed, in capitals or not: the span is one of whole characters and reads as the quotation."""
    document = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    quote = " ".join(words[first : last + 1])
    for form in ("NFC", "NFD"):
        for said in (quote, quote.upper()):
            asked = unicodedata.normalize(form, said)
            if unicodedata.normalize("NFC", asked).casefold() != unicodedata.normalize("NFC", quote).casefold():
                continue  # capitals that do not come back
            span = find_quote(asked, document)
            if span is None:
                assert not re.search(r"\w", quote)
                continue
            found = document[slice(*span)]
            assert unicodedata.normalize("NFC", found).casefold() in unicodedata.normalize("NFC", document).casefold()
            assert unicodedata.normalize("NFC", found).casefold().strip(" ….") == unicodedata.normalize(
                "NFC", quote
            ).casefold().strip(" ….")
            assert not cuts(document, span[0])
            assert not cuts(document, span[1])


@given(st.lists(MIXED, min_size=2, max_size=4), st.integers(0, 2**40))
def test_what_was_there_stays_to_the_character(parts, row):
    """Round every filled mask stand the same characters as before, in every script."""
    spec = Infill.model_validate({"text": "t", "corpus": "s.x"})
    batch = Batch("t", np.array([row]), {"t": pa.array(["[MASK]".join(parts)])})
    (filled,) = spec.generate(batch, Context(1, "t", "c", Tables())).to_pylist()
    assert re.fullmatch(".*".join(map(re.escape, parts)), filled, re.DOTALL)
    assert "[MASK]" not in filled


@pytest.mark.parametrize("quote", ["CAFÉ", "cafe\u0301", "café", "cafe"])
def test_an_accent_belongs_to_its_quotation(quote):
    """The mark after the last letter is part of the span."""
    document = "Le cafe\u0301 est bon."
    assert document[slice(*find_quote(quote, document))] == "cafe\u0301"
