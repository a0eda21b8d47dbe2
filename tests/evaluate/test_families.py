"""Families: what shuffled keys break, and nothing else sees."""

import numpy as np
import pytest

import lookalike as la
from lookalike.schema.infer import infer
from lookalike.schema.relations import DatasetSchema, Relation

KINDS = ["joined_c2st", "family_c2st", "sibling_likeness"]


def shop(seed, n=600):
    """Customers of two sorts, and orders whose amounts follow the customer."""
    g = np.random.default_rng(seed)
    sort = g.choice(["a", "b"], n)
    level = np.where(sort == "a", 0.0, 3.0) + g.normal(size=n)
    owner = np.repeat(np.arange(n), 1 + g.poisson(2, n))
    customers = {"id": np.arange(n), "sort": sort, "age": g.integers(18, 80, n)}
    orders = {
        "customer_id": owner,
        "amount": level[owner] + 0.5 * g.normal(size=len(owner)),
        "day": g.integers(0, 300, len(owner)),
    }
    return {"customers": customers, "orders": orders}


def shuffled(tables):
    """The same rows, each order with somebody else."""
    orders = tables["orders"]
    return {**tables, "orders": {**orders, "customer_id": np.random.default_rng(9).permutation(orders["customer_id"])}}


def measured(real, synthetic):
    import pyarrow as pa

    real, synthetic = ({name: pa.table(table) for name, table in side.items()} for side in (real, synthetic))
    schema = DatasetSchema(
        {n: infer(t) for n, t in real.items()}, {}, (Relation("orders", ("customer_id",), "customers", ("id",)),)
    )
    report = la.evaluate(real, synthetic, schema=schema, only=KINDS, gates="none")
    return {kind: next(r for r in report.results if r.metric == kind and (r.subject or r.skipped)) for kind in KINDS}


@pytest.fixture(scope="module")
def fresh():
    return measured(shop(0), shop(1))


@pytest.fixture(scope="module")
def broken():
    return measured(shop(0), shuffled(shop(1)))


def test_fresh_families_of_the_same_world_cannot_be_told(fresh):
    """Both classifiers are at chance, beside ceilings at chance, and siblings are as alike."""
    assert fresh["joined_c2st"].value < 0.56
    assert fresh["family_c2st"].value < 0.58
    assert fresh["joined_c2st"].ceiling < 0.56
    assert fresh["sibling_likeness"].value > 0.95


def test_shuffled_keys_are_seen_at_once(broken):
    """Row by row nothing has changed; families have."""
    assert broken["joined_c2st"].value > 0.7
    assert broken["family_c2st"].value > 0.7
    assert broken["sibling_likeness"].value < 0.75


def test_likeness_is_the_intra_class_correlation(broken):
    """Of ranks: level has variance 1 + 2.25 and noise 0.25, so siblings share about nine tenths; strangers nothing."""
    real, new = broken["sibling_likeness"].detail["columns"]["amount"]
    assert 0.85 < real < 0.96
    assert abs(new) < 0.1


def test_few_families_are_not_judged():
    """Below a hundred families nothing is said, and why."""
    found = measured(shop(0, 40), shop(1, 40))
    assert "families" in found["joined_c2st"].skipped
    assert found["sibling_likeness"].value is None
