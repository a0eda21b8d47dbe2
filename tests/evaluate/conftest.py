"""A population with known structure, and draws from it."""

import numpy as np
import pyarrow as pa
import pytest


def draw(n: int, seed: int) -> pa.Table:
    """Rows of one population: city gives country, income depends on age and job, churn depends on income."""
    g = np.random.default_rng(seed)
    age = np.round(g.gamma(9, 4.5, n)).clip(18, 95).astype(np.int64)
    job = g.choice(["clerk", "nurse", "driver", "judge"], n, p=[0.4, 0.3, 0.25, 0.05])
    city = g.choice(["Oslo", "Bergen", "Rome", "Milan"], n)
    country = np.where(np.isin(city, ["Oslo", "Bergen"]), "Norway", "Italy")
    income = np.round(
        300 * age + np.where(job == "judge", 40_000, np.where(job == "nurse", 8_000, 0)) + g.normal(20_000, 4_000, n), 2
    )
    churn = g.random(n) < 1 / (1 + np.exp((income - 36_000) / 4_000))
    sex = g.choice(["f", "m"], n)
    bonus = pa.array(g.exponential(900, n), mask=g.random(n) < np.where(job == "judge", 0.7, 0.1))
    since = np.datetime64("2015-01-01", "s") + g.integers(0, 3_000, n) * np.timedelta64(86_400, "s")
    return pa.table({
        "age": age, "job": job, "city": city, "country": country, "income": income,
        "bonus": bonus, "sex": sex, "since": since, "churn": np.where(churn, "yes", "no"),
    })  # fmt: skip


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    """Each column drawn by itself."""
    g = np.random.default_rng(seed)
    return pa.table({n: table[n].take(pa.array(g.permutation(table.num_rows))) for n in table.column_names})


@pytest.fixture(scope="session")
def real() -> pa.Table:
    """What was learned from."""
    return draw(3000, 0)


@pytest.fixture(scope="session")
def holdout() -> pa.Table:
    """Kept apart."""
    return draw(3000, 1)


@pytest.fixture(scope="session")
def good() -> pa.Table:
    """The best possible synthetic table: fresh rows of the population."""
    return draw(3000, 2)


@pytest.fixture(scope="session")
def independent(real: pa.Table) -> pa.Table:
    """Right columns, no dependence."""
    return shuffled(real, 3)
