"""Pairs and triples of binned columns."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.encode import bin_numbers, edges_of
from lookalike.evaluate.evaluate import evaluate


def _spent(n: int, seed: int, *, linked: bool = True) -> pa.Table:
    """Nine in ten spend nothing; the others spend more when they are older."""
    g = np.random.default_rng(seed)
    age = g.normal(40, 10, n)
    amount = np.where(g.random(n) < 0.9, 0.0, np.round(50 * (age if linked else g.permutation(age)) + g.normal(0, 20, n), 2))
    return pa.table({"age": age, "amount": amount, "sex": g.choice(["f", "m"], n)})


def test_a_heap_of_zeros_hides_nothing_beside_it():
    """A value that most rows have gets one bin, the rest share the others evenly, and no more bins are made than asked for."""
    values = _spent(20_000, 0)["amount"].to_numpy()
    edges = edges_of(values, 8)
    assert 6 <= edges.size <= 7
    counts = np.bincount(bin_numbers(values, edges, values.min(), values.max()))
    assert counts.max() == pytest.approx(18_000, rel=0.02)
    beside = np.sort(counts[counts > 0])[:-1]
    assert beside.size >= 5
    assert beside.max() < 3 * beside.min() + 50


@pytest.mark.parametrize("count", [8, 16])
@pytest.mark.parametrize("heaps", [0, 1, 2, 5, 20])
def test_edges_are_few_and_rising(heaps, count):
    """Whatever heaps there are, at most `count` bins come out, in order."""
    g = np.random.default_rng(heaps)
    values = np.concatenate([g.normal(size=500), *[np.full(400, float(h)) for h in range(heaps)]])
    edges = edges_of(values, count)
    assert edges.size < count
    assert (np.diff(edges) > 0).all()


def test_structure_among_the_few_is_seen_in_pairs_and_triples():
    """Amounts of the tenth that spends, shuffled among ages: the pair is named, although nine in ten are zero in both tables."""
    report = evaluate(_spent(8000, 0), _spent(8000, 1, linked=False), only="pairs,triples")
    assert set(report.worst("pairs", 1)[0].subject.split(" × ")) == {"age", "amount"}
    for name in ("pairs", "triples"):
        fair = evaluate(_spent(8000, 0), _spent(8000, 2), only=name)[name]
        assert report[name].value < fair.value - 0.005


def test_the_floor_has_the_noise_of_the_score():
    """Independent columns are at their floor, and good rows are above it even where cells are mostly noise."""
    g = np.random.default_rng(0)

    def table(seed):
        draw = np.random.default_rng(seed)
        base = draw.normal(size=400)
        return pa.table({f"x{i}": base + draw.normal(size=400) for i in range(6)})

    real = table(0)
    loose = pa.table({n: real[n].take(pa.array(g.permutation(400))) for n in real.column_names})
    floor = evaluate(real, loose, only="pairs")["pairs"]
    assert floor.value == pytest.approx(floor.floor, abs=0.02)
    good = evaluate(real, table(1), only="pairs")["pairs"]
    assert good.value > good.floor + 0.02
