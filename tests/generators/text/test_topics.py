"""topics: quotas that hold at every moment, and prompts that go where texts are missing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SourceError
from lookalike.generators.text.topics import Topics, schedule
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

THEMES = {
    "tea": "green tea leaves brew a calm cup of tea in the pot",
    "dogs": "the puppy dog barked and chewed its bone on a leash",
    "ships": "a ferry ship sailed from the harbour past the pier",
    "chess": "the chess queen took a pawn and the bishop lost the board",
}


class Tables:
    def __init__(self, **tables):
        self.tables = {name: pa.table({"text": pa.array(texts, pa.string())}) for name, texts in tables.items()}

    def source(self, name):
        return self.tables[name]


def corpus(**counts):
    draws = np.random.default_rng(0)
    return [" ".join(draws.permutation(THEMES[theme].split())) for theme, count in counts.items() for _ in range(count)]


def make(body, n, seed=1, **tables):
    spec = Topics.model_validate(body)
    batch = Batch("t", np.arange(n), {})
    return spec.generate(batch, Context(seed=seed, table="t", column="c", tables=Tables(**tables))).to_pylist()


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=12), st.integers(1, 500))
def test_quotas_hold_after_any_number_of_rows(shares, n):
    """Stopped anywhere, no topic is more than one row and a half away from its share."""
    order = schedule(tuple(shares), 7)[:n]
    counts = np.bincount(order, minlength=len(shares))
    assert np.abs(counts - n * np.array(shares) / sum(shares)).max() <= 1.5


def test_a_tree_gives_its_leaves_with_their_weights():
    """Leaves come as often as they weigh; the path says where they hang."""
    cells = make({"tree": {"food": {"tea": 3, "bread": 1}, "sport": ["chess", "rowing"]}}, 60)
    assert Counter(cell["path"] for cell in cells) == {
        "food > tea": 30, "food > bread": 10, "sport > chess": 10, "sport > rowing": 10,
    }  # fmt: skip
    assert {cell["name"] for cell in cells} == {"tea", "bread", "chess", "rowing"}


def test_clusters_of_a_source_come_as_often_as_there():
    """`by: source` repeats the source's shares, `even` does not."""
    body = {"source": "real", "column": "text", "clusters": 4}
    real = corpus(tea=60, dogs=20, ships=10, chess=10)
    like = Counter(cell["name"] for cell in make({**body, "by": "source"}, 100, real=real))
    even = Counter(cell["name"] for cell in make(body, 100, real=real))
    assert sorted(like.values()) == [10, 10, 20, 60]
    assert list(even.values()) == [25] * 4


def test_prompts_go_to_what_is_missing():
    """Beside texts about tea and dogs alone, only ships and chess are asked for."""
    body = {"source": "real", "column": "text", "clusters": 4, "by": "missing", "have": "made.text", "words": 8}
    cells = make(body, 40, real=corpus(tea=25, dogs=25, ships=25, chess=25), made=corpus(tea=30, dogs=30))
    found = Counter("ships" if "ferry" in cell["name"] else "chess" if "pawn" in cell["name"] else "else" for cell in cells)
    assert found == {"ships": 20, "chess": 20}


def test_a_full_set_lacks_nothing():
    """Where nothing is missing, topics come as often as in the source."""
    body = {"source": "real", "column": "text", "clusters": 4, "by": "missing", "have": "real.text"}
    cells = make(body, 100, real=corpus(tea=40, dogs=30, ships=20, chess=10))
    assert sorted(Counter(cell["number"] for cell in cells).values()) == [10, 20, 30, 40]


def test_coverage_of_the_corpus_rises_when_topics_steer():
    """Texts on topics by the source's shares cover its clusters better than texts about one topic, in the report's own number."""
    from lookalike.evaluate.text.diversity import cluster_coverage
    from lookalike.evaluate.text.embed import HashedNgrams

    real = corpus(tea=50, dogs=25, ships=15, chess=10)
    cells = make({"source": "real", "column": "text", "clusters": 4, "by": "source", "words": 8}, 40, real=real)
    embed = HashedNgrams(real)
    made = {"steered": embed([cell["name"] for cell in cells]), "one topic": embed(corpus(tea=40))}
    covered = {name: cluster_coverage(embed(real), vectors, clusters=4, seed=1) for name, vectors in made.items()}
    assert covered["steered"].hit > covered["one topic"].hit
    assert covered["steered"].overlap > covered["one topic"].overlap + 0.2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tree": ["a"], "source": "x", "column": "text"},
        {"source": "x"},
        {"tree": ["a", "b"], "by": "missing"},
        {"source": "x", "column": "text", "by": "missing"},
        {"source": "x", "column": "text", "have": "y.text"},
        {"tree": {"a": 0}},
        {"tree": {"a": "b"}},
    ],
)
def test_specs_without_sense_are_refused(body):
    """Neither or both origins, quotas that nothing gives, and trees without leaves are errors when the recipe is read."""
    with pytest.raises(ValueError, match=r"topics come from|compares with|goes with|no leaf|neither a list"):
        Topics.model_validate(body)


@pytest.mark.parametrize(("column", "said"), [("txt", "no column"), ("text", "no text")])
def test_sources_without_text_are_named(column, said):
    """An empty corpus, and a column that is not there, are errors that name the source."""
    with pytest.raises(SourceError, match=said):
        make({"source": "real", "column": column}, 1, real=[None, " "])
