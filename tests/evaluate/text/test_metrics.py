"""The text metrics on columns whose truth is known."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.base import Result
from lookalike.evaluate.views import Views
from lookalike.registry import resolve

TOPICS = (
    "patient nurse fever ward doctor dose chart pain fracture tablet clinic surgeon blood wound visit the of and was with".split(),
    "judge court appeal statute ruling clause plaintiff witness verdict jury contract breach counsel oath trial the of in had by".split(),
)
ALL = (
    "exact_duplicates", "near_duplicates", "semantic_duplicates", "distinct_n", "compression_ratio", "vendi_score",
    "cluster_coverage", "text_shape", "language_share", "refusals", "prompt_leak", "contamination", "verbatim_overlap",
)  # fmt: skip


def corpus(n: int, seed: int, topics: int = 2) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(TOPICS[rng.randrange(topics)], k=rng.randint(18, 40))).capitalize() + "." for _ in range(n)]


def views(made: list[str | None], **extras) -> Views:
    def table(texts):
        return pa.table({"note": texts, "x": np.arange(len(texts)) % 7})

    return Views(table(corpus(300, 1)), table(made), table(corpus(300, 2)), extras=extras)


def head(kind: str, made: Views, **fields) -> Result:
    found = resolve("metric", kind)(**fields).compute(made)
    assert found[0].name == kind
    return found[0]


@pytest.fixture(scope="module")
def same():
    """Other texts of the same kind as the real ones."""
    return views(
        corpus(300, 3),
        prompts=["Write one visit note about {{ topic }} in plain words please."],
        benchmarks=["zero one two three four five six seven eight nine ten eleven twelve thirteen"],
    )


@pytest.mark.parametrize("kind", ALL)
def test_texts_like_the_real_ones_are_near_the_ceiling(kind, same):
    """Every number of an equally good corpus is close to the holdout's own."""
    found = head(kind, same)
    assert found.value is not None, found.skipped
    assert found.ceiling == pytest.approx(found.value, abs=0.12)


def test_a_stuck_generator_is_seen_by_every_diversity_metric():
    """Thirty texts said ten times each are duplicates, with little variety."""
    stuck = views(corpus(30, 4) * 10)
    assert head("exact_duplicates", stuck).value == pytest.approx(0.9)
    assert head("near_duplicates", stuck).value >= 0.9
    assert head("semantic_duplicates", stuck).value >= 0.9
    for kind in ("distinct_n", "compression_ratio", "vendi_score"):
        found = head(kind, stuck)
        assert found.value < 0.7 * found.ceiling


def test_a_lost_topic_lowers_coverage():
    """Texts on one of two topics fill about half of the clusters."""
    assert head("cluster_coverage", views(corpus(300, 5, topics=1))).value < 0.65


def test_copied_notes_are_seen_and_belong_to_privacy():
    """Ten percent of verbatim source texts are counted; the holdout has none."""
    found = head("verbatim_overlap", views(corpus(30, 1) + corpus(270, 6)))
    assert found.dimension == "privacy"
    assert found.value == pytest.approx(0.1)
    assert found.ceiling == 0
    assert found.detail["longest"] > 15


def test_refusals_and_language_are_counted():
    """One refusal and one German text among twenty."""
    made = [
        *corpus(18, 7),
        "I'm sorry, but I cannot help with that.",
        "Der Patient ist heute nicht in der Klinik und das ist gut.",
    ]
    assert head("refusals", views(made)).value == pytest.approx(1 / 20)
    assert head("language_share", views(made)).value == pytest.approx(0.95, abs=0.03)


def test_short_texts_in_another_register_change_the_shape():
    """Four-word texts are not shaped like thirty-word ones."""
    found = head("text_shape", views([" ".join(t.split()[:4]) for t in corpus(200, 8)]))
    assert found.value < 0.1
    assert found.ceiling > 0.8


def test_any_embedder_can_be_given():
    """An embedder with one direction sees one effective text; the report names it."""

    def flat(texts):
        return np.ones((len(texts), 4), dtype=np.float32)

    found = head("vendi_score", views(corpus(50, 9), embedder=flat))
    assert found.detail["synthetic"] == pytest.approx(1)
    assert found.detail["embedder"] == "flat"


def test_benchmarks_can_be_files(tmp_path):
    """A file is one item a line; a missing one is an error that names it."""
    file = tmp_path / "test.txt"
    made = corpus(40, 10)
    file.write_text("\n".join([made[0], "something else entirely"]), encoding="utf-8")
    assert head("contamination", views(made, benchmarks=[file])).value == pytest.approx(1 / 40)
    with pytest.raises(Exception, match="nowhere"):
        head("contamination", views(made, benchmarks=[tmp_path / "nowhere.txt"]))


@pytest.mark.parametrize("kind", ALL)
def test_hard_columns_are_measured_or_skipped(kind):
    """No text column, nulls, null bytes, one word: a finite number or a reason."""
    bare = Views(pa.table({"x": [1, 2, 3]}), pa.table({"x": [1, 2, 3]}))
    assert head(kind, bare).skipped
    odd = views([None, "a\0b", "🙂" * 30, " ", "x"] * 5, prompts="p", benchmarks=["b"])
    for found in resolve("metric", kind)().compute(odd):
        assert (found.value is None) == bool(found.skipped)
