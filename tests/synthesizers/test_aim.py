"""Triples are learned where rows carry them, the target weighs more, and what is spent is what was claimed."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from lookalike.errors import UnknownColumn
from lookalike.synthesizers import aim
from lookalike.synthesizers.aim import Aim
from lookalike.synthesizers.mst import Mst
from lookalike.testing.synthesizers import example

pytestmark = pytest.mark.filterwarnings("ignore:no level of")


def parity(n=8000):
    """Two coins and whether they agree: every pair is independent, the three together are not."""
    draws = np.random.default_rng(0)
    a, b = draws.integers(0, 2, n), draws.integers(0, 2, n)
    return pa.table({name: np.where(v, "yes", "no") for name, v in {"a": a, "b": b, "same": a == b}.items()})


def agreement(table):
    a, b, same = (np.array(table[name].to_pylist()) for name in ("a", "b", "same"))
    return float(np.mean((a == b) == (same == "yes")))


def test_a_relation_of_three_columns_is_learned():
    """Parity of two coins, which no tree of pairs holds, comes back at epsilon 1."""
    model = Aim(epsilon=1.0, noise="seeded").fit(parity())
    assert agreement(model.sample(2000)) > 0.9
    assert agreement(Mst(epsilon=1.0, noise="seeded").fit(parity()).sample(2000)) < 0.65


def test_a_triple_is_left_out_where_noise_would_drown_it():
    """At epsilon 0.05 no column of 200 rows gets two parents of twelve values."""
    draws = np.random.default_rng(0)
    table = pa.table({name: draws.integers(0, 12, 200).astype(str) for name in "abcd"})
    levels = {name: tuple(str(i) for i in range(12)) for name in "abcd"}
    model = Aim(epsilon=0.05, levels=levels, noise="seeded").fit(table)
    assert {len(parents) for _, parents in model._model.meta["structure"]} == {0, 1}


def test_the_target_comes_first_and_must_exist():
    """The target is the network's root; a target that is no learned column is refused before anything is spent."""
    names = list(parity().column_names)
    model = Aim(target="same", noise="seeded").fit(parity())
    assert model._model.meta["structure"][0] == (names.index("same"), [])
    with pytest.raises(UnknownColumn, match="size"):
        Aim(target="sise").fit(example(300))
    with pytest.raises(UnknownColumn, match="learned"):
        Aim(target="email").fit(example(300))


def test_everything_is_spent_and_no_more():
    """The model's ledger adds up to the epsilon that was asked for."""
    model = Aim(epsilon=1.0).fit(example(300))
    assert 0.99 <= model.ledger_["epsilon"] <= 1.0 + 1e-6


def shown(epsilon, trials, cheat):
    """Epsilon that an attacker shows at 95% who sees the modelled share of a row (b, b) with and without that row."""
    sigma = aim.gaussian_sigma
    aim.gaussian_sigma = lambda rho: sigma(rho) / cheat
    schema = None
    seen = []
    try:
        for values in (["a"] * 5 + ["b"], ["a"] * 5):
            table, shares = pa.table({"v": values, "w": values}), []
            for seed in range(trials):
                model = Aim(epsilon=epsilon, delta=1e-5, levels={"v": ("a", "b"), "w": ("a", "b")}, noise="seeded")
                model.fit(table, schema, seed=seed)
                schema = schema or model.schema_
                tables = model._model.arrays
                shares.append((1 - tables["0/table"][0, 0]) * (1 - tables["1/table"][1, 0]))
            seen.append(np.array(shares))
    finally:
        aim.gaussian_sigma = sigma
    with_row, without = seen
    best = 0.0
    for cut in np.quantile(without, [0.5, 0.8, 0.9, 0.95]):
        true, false = int((with_row > cut).sum()), int((without > cut).sum())
        least = beta.ppf(0.025, true, trials - true + 1) if true else 0.0
        best = max(best, float(np.log(max(least - 1e-5, 1e-12) / beta.ppf(0.975, false + 1, trials - false))))
    return best


@pytest.mark.slow
def test_an_attacker_measures_less_than_epsilon():
    """1,000 fits with and without one row show less than the claimed epsilon; with a twentieth of the noise they show more."""
    assert shown(1.0, 1000, cheat=1.0) <= 1.0
    assert shown(1.0, 400, cheat=20.0) > 1.0
