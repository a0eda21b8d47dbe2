"""Documents of 50 MB: work grows with the length, memory with a small multiple of it, and nothing is lost on the way."""

from __future__ import annotations

import resource
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.generators.text.augment import Augment, augmented
from lookalike.generators.text.chunks import Chunks, chunked
from lookalike.generators.text.edits import Edit, Guard, OffsetMap, intact
from lookalike.generators.text.infill import Infill
from lookalike.registry import kinds, resolve
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

TALE = (
    "The dog chased the cat because it was hungry. Wasn't it late? We don't know, but she left. "
    "Is it cold? The small shop sold an expensive gift yesterday. However, they did not buy it, and it broke. "
)
SLOWER = 6  # a character may cost so much more in a text 16 times as long: caches, collectors, neighbours; squares cost 16


class Tables:
    def __init__(self, table):
        self.table = table

    def source(self, name):
        return self.table


CTX = Context(1, "t", "c", Tables(pa.table({"x": [TALE] * 3})))
SPAN = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))


def spent(work):
    """The least CPU seconds of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def grows(work, small, large):
    """How much more a character of the large text costs than one of the small."""
    work(small)
    return spent(lambda: work(large)) / spent(lambda: work(small)) / (len(large) / len(small))


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds("operator"))
def test_operators_are_linear_in_a_document(kind):
    """Sixteen times the text, with as many times the protected spans, costs about sixteen times the time."""
    rates = {name: 1.0 for name in ("rate",) if name in resolve("operator", kind).model_fields}
    operator = resolve("operator", kind)(**rates)

    def work(text):
        spans = [(at, at + 5) for at in range(0, len(text), 200)]
        augmented([text], [spans], [operator], key=1, ids=np.array([1]))

    assert grows(work, TALE * 75, TALE * 1200) < SLOWER


@pytest.mark.slow
def test_infill_and_chunks_are_linear_in_a_document():
    """Sixteen times the gaps or the chunks cost about sixteen times the time."""
    spec = Infill.model_validate({"text": "t", "corpus": "s.x", "fill": ["mask", "truncated"]})
    masked = TALE.replace("dog", "[MASK]")

    def fill(text):
        spec.generate(Batch("t", np.arange(1), {"t": pa.array([text])}), CTX)

    assert grows(fill, masked * 20, masked * 320) < SLOWER
    assert grows(lambda text: chunked(text, size=800, overlap=100), TALE * 75, TALE * 1200) < SLOWER


@pytest.mark.slow
def test_fifty_megabytes_are_chunked_and_changed_in_bounded_memory():
    """A document of 50 MB needs less than twenty times its size: chunks with their texts, or noise on every hundredth letter."""
    document = TALE * (50_000_000 // len(TALE))
    batch = Batch("t", np.arange(1), {"x": pa.array([document])})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (chunks,) = Chunks(text="x", size=1000, overlap=100).generate(batch, CTX)
    assert chunks[0]["start"].as_py() == 0
    assert chunks[-1]["end"].as_py() == len(document.rstrip())
    spec = Augment.model_validate({"text": "x", "operators": [{"kind": "keyboard", "severity": 1}]})
    (variant,) = spec.generate(batch, CTX)
    assert 0.9 * len(document) < len(variant.as_py()) < 1.1 * len(document)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * len(document) / 1024


@pytest.mark.parametrize("kind", ["keyboard", "ocr", "spacing", "casing"])
def test_noise_of_a_long_text_is_that_of_its_characters(kind):
    """Cut into blocks for the memory's sake, a text gets the same errors, but for a letter or two at the borders."""
    form = resolve("operator", kind)

    class Short(form):
        block = 1000

    operator, short = form(severity=4), Short(severity=4)
    text, keys = TALE * 30, np.array([5], np.uint64)
    (at_once,) = operator.edits([text], [[(50, 90)]], keys)
    (in_blocks,) = short.edits([text], [[(50, 90)]], keys)
    assert len(set(at_once) ^ set(in_blocks)) <= 2 * (len(text) // 1000 + 1)
    assert in_blocks == short.edits(["x" * 1500, text], [[], [(50, 90)]], np.array([9, 5], np.uint64))[1]
    assert not any(edit.start < 90 and edit.end > 50 for edit in in_blocks)


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)).map(lambda p: (p[0], p[0] + p[1])), max_size=12)


@given(SPANS, st.integers(0, 45), st.integers(0, 9))
def test_a_guard_finds_what_a_search_finds(spans, start, length):
    """Whatever their order and overlap, the spans that an edit could change are found, and no edit that changes one passes."""
    end = start + length
    guard = Guard(spans)
    assert guard.touches(start, end) == any(start < b and a < end for a, b in spans)
    assert sorted(guard.near(start, end)) == sorted((a, b) for a, b in spans if a <= end and b >= start)
    edit = Edit(start, end, "xyz")
    assert (intact([edit], spans) == [edit]) == all(OffsetMap([edit]).span(*span) is not None for span in spans)
