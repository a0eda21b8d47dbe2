"""Every registered method meets the contract of synthesizers."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.registry import builtins, resolve
from lookalike.testing.synthesizers import CHECKS, check_synthesizer, example

pytestmark = pytest.mark.filterwarnings("ignore:no level of")  # of private methods on few rows

SETTINGS = {
    "arf": {"trees": 3, "rounds": 2},
    "ctgan": {"epochs": 2, "width": 32},
    "tvae": {"epochs": 2, "width": 32},
    "diffusion": {"epochs": 200, "width": 64, "steps": 20, "batch": 64, "learning_rate": 3e-3},
    "autoregressive": {"epochs": 2, "width": 32},
    "auto": {"kinds": ["independent", "copula"]},
    "constrained": {"base": {"kind": "copula"}, "constraints": [{"kind": "range", "column": "weight", "low": 0}]},
    "aim": {"epsilon": 40.0, "noise": "seeded"},
    "mst": {"epsilon": 40.0, "noise": "seeded"},
}
DEEP = {"ctgan", "tvae", "diffusion", "autoregressive"}
ELSEWHERE = {"forest", "fair"}  # test_forest, test_balance: fairness sets shares of two columns itself
KINDS = sorted(set(builtins("synthesizer")) - ELSEWHERE)


def made(kind):
    return resolve("synthesizer", kind).model_validate(SETTINGS.get(kind, {}))


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.deep, pytest.mark.slow] if k in DEEP else []) for k in KINDS]
)
def test_every_method_keeps_the_contract(kind):
    """Schema, seeds, saving, values, keys, conditions and column order hold for every method."""
    check_synthesizer(made(kind))


def test_the_suite_sees_a_broken_method():
    """A method that drops conditions fails the suite."""

    class Forgetful(resolve("synthesizer", "independent")):
        def _conditioned(self, n, wanted, where, draws, schema):
            return self._draw(n, draws, ())[0]

    with pytest.raises(AssertionError, match="exact value"):
        check_synthesizer(Forgetful(), only=["conditions"])
    assert set(CHECKS) >= {"schema", "seeds", "saved", "values", "keys", "conditions", "column_order"}


TABLES = {
    "one row": example(1),
    "two rows": example(2),
    "one column": example(50).select(["size"]),
    "only identifiers": example(50).select(["customer_id", "email"]),
    "constant": pa.table({"a": [1] * 30, "b": ["x"] * 30}),
    "all null": pa.table({"a": pa.nulls(30), "b": pa.array([None] * 30, pa.float64()), "c": list(range(30))}),
    "nan": pa.table({"a": [float("nan"), 1.0, 2.5] * 10, "b": ["x", "y", None] * 10}),
    "lists and dicts": pa.table({"a": [[1, 2], [3], []] * 10, "b": [{"x": 1, "y": "u"}] * 30, "c": [1, 2, 3] * 10}),
    "many categories": pa.table({"a": [f"v{i % 10_000}" for i in range(12_000)], "b": np.arange(12_000) % 7}),
    "far dates": pa.table(
        {"a": pa.array([-60_000_000_000, 0, 250_000_000_000] * 10, pa.timestamp("s")), "b": [1.5, 2.5, 9.0] * 10}
    ),
}


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in DEEP | {"constrained", "auto"}])
@pytest.mark.parametrize("what", TABLES)
def test_odd_tables_are_learned(kind, what):
    """Odd tables give rows of their own schema."""
    table = TABLES[what]
    sample = made(kind).fit(table).sample(20)
    assert sample.num_rows == 20
    assert sample.schema.equals(table.schema)


@pytest.mark.slow
@pytest.mark.deep
@pytest.mark.parametrize("kind", sorted(DEEP))
@pytest.mark.parametrize("what", sorted(set(TABLES) - {"many categories"}))
def test_odd_tables_are_learned_by_networks(kind, what):
    """Networks too give rows of the table's own schema."""
    sizes = {"epochs": 2, "width": 16}
    table = TABLES[what]
    sample = resolve("synthesizer", kind).model_validate(sizes).fit(table).sample(20)
    assert sample.num_rows == 20
    assert sample.schema.equals(table.schema)


@pytest.mark.slow
@pytest.mark.deep
@pytest.mark.parametrize(("kind", "epochs"), [("ctgan", 25), ("tvae", 120), ("diffusion", 30), ("autoregressive", 10)])
def test_networks_learn_what_goes_with_what(kind, epochs):
    """Two columns that name the same thing agree in 9 of 10 rows, and a number follows them, as in the real table."""
    draws = np.random.default_rng(0)
    code = draws.choice(4, 2000, p=[0.5, 0.3, 0.15, 0.05])
    table = pa.table({
        "town": np.array(["Bath", "Como", "Nice", "Ulm"])[code], "zip": np.array(["BA1", "22100", "06000", "89073"])[code],
        "price": np.round(100.0 * code + draws.normal(0, 8, 2000), 1),
    })  # fmt: skip
    made = (
        resolve("synthesizer", kind)
        .model_validate({"epochs": epochs, "width": 64, "batch": 100})
        .fit(table, seed=1)
        .sample(2000)
    )
    pairs = dict(zip(table["town"].to_pylist(), table["zip"].to_pylist(), strict=True))
    towns = np.array(made["town"].to_pylist())
    assert np.mean([pairs[town] == code for town, code in zip(towns, made["zip"].to_pylist(), strict=True)]) > 0.9
    middle = {town: np.median(made["price"].to_numpy()[towns == town]) for town in ("Bath", "Como", "Nice")}
    assert list(middle.values()) == pytest.approx([0, 100, 200], abs=20)
