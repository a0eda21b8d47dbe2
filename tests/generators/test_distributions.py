"""Samplers against the laws they are named after: fixed seeds, Kolmogorov-Smirnov and chi-square, parameters from scipy.stats."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.testing.generators import MemoryTables

N = 20_000
ALPHA = 1e-3  # seeds are fixed: a test that passes once passes always; this is how rarely a right sampler would have failed


def drawn(spec, columns=None, *, seed=11, column="c"):
    ctx = Context(seed, "t", column, MemoryTables())
    values = Generator.parse(spec).generate(Batch("t", np.arange(N), columns or {}), ctx)
    assert values.null_count == 0
    return values.to_numpy(zero_copy_only=False)


def fits(values, law):
    assert stats.kstest(values, law.cdf).pvalue > ALPHA


def fits_counts(values, law, *, low=0, high=None):
    """Chi-square over the counts that are expected at least five times; the tails are each one cell."""
    share = law.cdf(high if high is not None else np.inf) - law.cdf(low - 1)
    cells = [k for k in range(int(values.min()), int(values.max()) + 1) if law.pmf(k) / share * N >= 5]
    expected = np.array([law.pmf(k) / share * N for k in cells])
    observed = np.array([np.count_nonzero(values == k) for k in cells])
    rest = N - expected.sum()
    if rest > 5:
        expected, observed = np.append(expected, rest), np.append(observed, N - observed.sum())
    else:
        expected *= observed.sum() / expected.sum()
    assert stats.chisquare(observed, expected).pvalue > ALPHA


CONTINUOUS = {
    "uniform": ({"kind": "uniform", "low": -2, "high": 5}, stats.uniform(-2, 7)),
    "normal": ({"kind": "normal", "mean": 41, "sd": 14}, stats.norm(41, 14)),
    "normal between": ({"kind": "normal", "mean": 41, "sd": 14, "low": 18, "high": 60}, stats.truncnorm(-23 / 14, 19 / 14, 41, 14)),
    "normal from": ({"kind": "normal", "low": 0.5}, stats.truncnorm(0.5, np.inf)),
    "normal lower tail": ({"kind": "normal", "low": -12, "high": -9}, stats.truncnorm(-12, -9)),
    "normal upper tail": ({"kind": "normal", "low": 9, "high": 12}, stats.truncnorm(9, 12)),
    "normal far out": ({"kind": "normal", "low": 60}, stats.expon(60, 1 / 60.0166)),  # Mills: the hazard at 60 is 60.0166
    "lognormal": ({"kind": "lognormal", "mean": 3.2, "sd": 0.6}, stats.lognorm(0.6, scale=np.exp(3.2))),
    "exponential": ({"kind": "exponential", "mean": 12}, stats.expon(scale=12)),
    "exponential to": ({"kind": "exponential", "mean": 12, "high": 20}, stats.truncexpon(20 / 12, scale=12)),
    "gamma": ({"kind": "scipy", "distribution": "gamma", "params": {"a": 2.5, "scale": 40}}, stats.gamma(2.5, scale=40)),
    "beta": ({"kind": "scipy", "distribution": "beta", "params": {"a": 2, "b": 5}}, stats.beta(2, 5)),
    "scipy far out": (
        {"kind": "scipy", "distribution": "expon", "low": 60},
        stats.expon(60),
    ),
    "scipy between": (
        {"kind": "scipy", "distribution": "norm", "low": -1, "high": 2}, stats.truncnorm(-1, 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_samplers_follow_their_law(name):
    """20,000 draws pass a Kolmogorov-Smirnov test against the law of scipy.stats, cut or not."""
    spec, law = CONTINUOUS[name]
    fits(drawn(spec), law)


DISCRETE = {
    "poisson": ({"kind": "poisson", "mean": 3}, stats.poisson(3), {}),
    "poisson rare": ({"kind": "poisson", "mean": 0.05}, stats.poisson(0.05), {}),
    "poisson many": ({"kind": "poisson", "mean": 400}, stats.poisson(400), {}),
    "poisson from": ({"kind": "poisson", "mean": 3, "low": 1, "high": 6}, stats.poisson(3), {"low": 1, "high": 6}),
    "binomial": ({"kind": "binomial", "n": 20, "p": 0.6}, stats.binom(20, 0.6), {}),
    "bernoulli": ({"kind": "bernoulli", "p": 0.1}, stats.bernoulli(0.1), {}),
    "integer": ({"kind": "integer", "low": 1, "high": 6}, stats.randint(1, 7), {"low": 1, "high": 6}),
    "geom": ({"kind": "scipy", "distribution": "geom", "params": {"p": 0.3}}, stats.geom(0.3), {"low": 1}),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_counts_follow_their_law(name):
    """20,000 draws pass a chi-square test against the law of scipy.stats, cut or not."""
    spec, law, bounds = DISCRETE[name]
    fits_counts(drawn(spec).astype(int), law, **bounds)


def test_a_parameter_of_the_row_moves_the_law():
    """With SQL parameters each row has its own law: all rows pass together once each is put through its own cdf."""
    n = np.arange(N) % 5
    columns = {"n": pa.array(n)}
    values = drawn({"kind": "normal", "mean": "10 * n", "sd": "1 + n"}, columns)
    fits(stats.norm(10 * n, 1 + n).cdf(values), stats.uniform)
    counts = drawn({"kind": "poisson", "mean": "0.5 + n"}, columns)
    for group in range(5):
        chosen = counts[n == group]
        expected = stats.poisson(0.5 + group).mean()
        assert abs(chosen.mean() - expected) < 4 * np.sqrt(expected / len(chosen))


def test_weights_are_shares():
    """Weighted values come as often as their weights say; a weight of nothing never comes."""
    values = drawn({"kind": "category", "values": {"a": 7, "b": 2.5, "c": 0.5, "d": 0}})
    observed = [np.count_nonzero(values == name) for name in "abcd"]
    assert observed[3] == 0
    assert stats.chisquare(observed[:3], np.array([0.7, 0.25, 0.05]) * N).pvalue > ALPHA


def test_weights_by_another_column_are_shares_within_it():
    """`by` gives each value of the other column its own shares: the planted dependence is there, in its size."""
    sex = np.array(["F", "M"])[np.arange(N) % 2]
    spec = {"kind": "category", "by": "sex", "values": {"F": {"yes": 0.1, "no": 0.9}, "M": {"yes": 0.4, "no": 0.6}}}
    values = drawn(spec, {"sex": pa.array(sex)})
    for name, share in (("F", 0.1), ("M", 0.4)):
        assert stats.binomtest(int(np.sum(values[sex == name] == "yes")), N // 2, share).pvalue > ALPHA


def test_a_mixture_has_the_law_of_its_parts():
    """The cdf of a mixture is the weighted sum of its parts' cdfs."""
    parts = [
        {"weight": 0.9, "of": {"kind": "normal", "mean": 0, "sd": 1}},
        {"weight": 0.1, "of": {"kind": "uniform", "low": 5, "high": 9}},
    ]
    values = drawn({"kind": "mixture", "parts": parts})
    assert stats.kstest(values, lambda x: 0.9 * stats.norm.cdf(x) + 0.1 * stats.uniform(5, 4).cdf(x)).pvalue > ALPHA


def test_moments_are_evenly_likely():
    """Moments in a range are uniform over it; with hours and weekdays, over what is allowed and nothing else."""
    start, end = dt.datetime.fromisoformat("2024-01-01"), dt.datetime.fromisoformat("2025-01-01")
    values = drawn({"kind": "datetime", "start": start, "end": end}).astype("datetime64[us]")
    fits((values - np.datetime64(start)) / (np.datetime64(end) - np.datetime64(start)), stats.uniform)
    spec = {"kind": "datetime", "start": start, "end": end, "business_hours": [8, 18], "weekdays": True, "unit": "minute"}
    moments = [moment.astype("datetime64[us]").item() for moment in drawn(spec)]
    assert {moment.weekday() for moment in moments} == {0, 1, 2, 3, 4}
    assert {moment.hour for moment in moments} <= set(range(8, 19))
    by_hour = np.bincount([moment.hour for moment in moments], minlength=24)[8:18]
    assert stats.chisquare(by_hour, np.full(10, by_hour.sum() / 10)).pvalue > ALPHA


def test_columns_and_tables_and_seeds_are_independent():
    """Two columns, or one column under two seeds, share no chance: their correlation is what independence allows."""
    spec = {"kind": "normal"}
    one, two, three = drawn(spec), drawn(spec, column="d"), drawn(spec, seed=12)
    for other in (two, three, np.roll(one, 1)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(N)
