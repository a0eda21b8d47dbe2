"""Sets of tables."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import MetricError, UsageError
from lookalike.evaluate.evaluate import evaluate
from lookalike.schema.types import ColumnSchema, TableSchema

KEYS = {"orders.customer_id": "customers.id"}


def shop(seed, n=800, *, shuffle=False, orphans=0, flat=False):
    g = np.random.default_rng(seed)
    size = g.choice(["a", "b", "c"], n)
    k = np.full(n, 3) if flat else g.poisson(np.where(size == "a", 1, 4))
    owner = np.repeat(np.arange(n), k)
    amount = g.normal(np.where(size[owner] == "a", 10, 50), 5)
    if shuffle:
        g.shuffle(owner)
    owner[:orphans] = 10 * n
    orders = pa.table(
        {"oid": np.arange(owner.size), "customer_id": owner, "amount": amount, "paid": g.choice(["y", "n"], owner.size)}
    )
    return {"customers": pa.table({"id": np.arange(n), "size": size, "age": g.integers(18, 90, n)}), "orders": orders}


def score(synthetic, name, **options):
    return evaluate(shop(0), synthetic, foreign_keys=KEYS, only=name, **options)[name]


def test_fresh_database_passes():
    """A fresh draw of the same database passes all gates, and key columns are not compared as values."""
    report = evaluate(shop(0), shop(1), foreign_keys=KEYS, only="statistics")
    assert set(report.verdicts.values()) == {"pass"}
    assert report.tables["orders"].columns["customer_id"] == "id"
    assert report["orders.marginals"].value > 0.9
    assert report["child_counts"].value > 0.9


def test_orphans_are_counted():
    """Children that name no parent lower referential integrity and fail the gates."""
    found = score(shop(1, orphans=50), "referential_integrity")
    assert found.value == pytest.approx(1 - 50 / shop(1)["orders"].num_rows)
    assert evaluate(shop(0), shop(1, orphans=50), foreign_keys=KEYS, only="referential_integrity").exit_code == 1


def test_wrong_fan_out_is_seen():
    """Three children for every parent is not the real distribution, childless parents included."""
    assert score(shop(1, flat=True), "child_counts").value < 0.4 < 0.85 < score(shop(1), "child_counts").value


def test_children_of_strangers_are_seen():
    """Children shuffled between parents fall to the floor of dependence across tables; a fresh draw reaches the ceiling."""
    fresh, mixed = (score(shop(1, shuffle=s), "parent_child_dependence") for s in (False, True))
    assert fresh.value > fresh.ceiling - 0.03
    assert mixed.value == pytest.approx(mixed.floor, abs=0.05)


def test_schemas_declare_keys():
    """Foreign keys come from the schemas when they are not given."""
    columns = (ColumnSchema("oid", "id", "int64"), ColumnSchema("customer_id", "id", "int64"))
    schema = {"orders": TableSchema(columns, key="oid", foreign_keys={"customer_id": "customers.id"})}
    report = evaluate(shop(0), shop(1), schema=schema, only="validity")
    assert report["referential_integrity"].value == 1
    assert report["orders.validity.key"].value == 1


def test_tables_missing_and_names_wrong():
    """A missing table is said; wrong names are errors."""
    report = evaluate(shop(0), {"orders": shop(1)["orders"]}, only="marginals")
    assert any("customers is missing" in note for note in report.notes)
    with pytest.raises(MetricError, match="share no table"):
        evaluate(shop(0), {"x": shop(1)["orders"]})
    with pytest.raises(UsageError, match="names no table"):
        evaluate(shop(0), shop(1), foreign_keys={"order.customer_id": "customers.id"})
    with pytest.raises(UsageError, match="did you mean 'customer_id'"):
        evaluate(shop(0), shop(1), foreign_keys={"orders.customerid": "customers.id"})
