"""A population to draw training data, holdouts and releases from: mixed columns that hang together, so truth is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest


def draw(n: int, seed: int) -> pa.Table:
    """Rows of one population; different seeds are independent samples of it."""
    rng = np.random.default_rng(seed)
    job = rng.choice(
        ["clerk", "cook", "judge", "nurse", "pilot", "smith", "tutor"], n, p=[0.3, 0.2, 0.05, 0.2, 0.03, 0.12, 0.1]
    )
    age = np.clip(rng.normal(42, 13, n), 17, 90).round()
    hours = np.clip(rng.normal(40, 8, n) - 6 * (age > 62), 5, 80).round()
    pay = np.round(np.exp(rng.normal(7.5, 0.4, n) + 0.4 * (job == "pilot") + 0.005 * age), 2)
    town = rng.choice([f"town {i}" for i in range(30)], n, p=np.arange(30, 0, -1) / 465)
    sex = rng.choice(["f", "m"], n)
    married = np.where(rng.random(n) < 1 / (1 + np.exp(-(age - 35) / 6)), "yes", "no")
    children = rng.poisson(np.where(married == "yes", 1.6, 0.3))
    return pa.table(
        {
            "age": age.astype(np.int64), "job": job, "hours": hours.astype(np.int64), "pay": pay, "town": town,
            "sex": sex, "married": married, "children": children.astype(np.int64),
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def train() -> pa.Table:
    return draw(3000, 1)


@pytest.fixture(scope="session")
def holdout() -> pa.Table:
    return draw(3000, 2)


@pytest.fixture(scope="session")
def fresh() -> pa.Table:
    """A release that leaks nothing: other people of the same population."""
    return draw(3000, 3)


def leak(release: pa.Table, train: pa.Table, share: float, seed: int = 0) -> pa.Table:
    """The release with a share of its rows replaced by training rows."""
    rng = np.random.default_rng(seed)
    k = round(share * release.num_rows)
    rows = train.take(rng.choice(train.num_rows, k, replace=False))
    return pa.concat_tables([rows, release.slice(k)])


@pytest.fixture(scope="session")
def leaky(train, fresh):
    """Releases by leaked share."""
    return {share: leak(fresh, train, share) for share in (0.01, 0.1, 1.0)}
