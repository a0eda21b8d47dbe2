"""Sums and products that the forest keeps, and pairs that it does not invent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.forest.model import Forest

N = 3000


@pytest.fixture(scope="module")
def bill() -> pa.Table:
    """Net and shipping make a total, a quantity and a price an amount."""
    g = np.random.default_rng(0)
    net, shipping = np.round(g.gamma(2, 50, N), 2), g.choice([0, 4.9, 9.9], N)
    quantity, price = g.integers(1, 9, N), np.round(g.uniform(1, 90, N), 2)
    return pa.table(
        {
            "country": g.choice(list("abc"), N),
            "net": net,
            "shipping": shipping,
            "total": np.round(net + shipping, 2),
            "quantity": quantity,
            "price": price,
            "amount": np.round(quantity * price, 2),
        }
    )


@pytest.fixture(scope="module")
def fitted(bill) -> Forest:
    """The forest of the bills."""
    return Forest().fit(bill)


def adds_up(rows: pa.Table) -> bool:
    """Whether every total and every amount is right to the cent."""
    v = {name: rows[name].to_numpy() for name in rows.column_names if name != "country"}
    sums = np.abs(v["total"] - v["net"] - v["shipping"]).max()
    return bool(sums < 1e-9 and np.abs(v["amount"] - v["quantity"] * v["price"]).max() < 0.0051)


def test_totals_add_up(fitted, bill):
    """Drawn rows keep both relations to the cent, and the sums are distributed like the real ones."""
    made = fitted.sample(N, seed=1)
    assert adds_up(made)
    for name in ("total", "amount"):
        assert np.quantile(made[name], [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(bill[name], [0.1, 0.5, 0.9]), rel=0.12)


@pytest.mark.parametrize(
    "given",
    [
        {"total": 105.2},
        {"amount": {"min": 100, "max": 120}},
        {"net": 50.0, "total": {"min": 52, "max": 70}},
        {"country": "b"},
        {"where": "total > 200 and amount < 100"},
    ],
)
def test_conditions_keep_sums(fitted, given):
    """What was asked for holds to the last digit, and so do the sums: another number takes up what is left over."""
    made = fitted.sample(300, given=given, seed=2)
    assert made.num_rows == 300
    assert adds_up(made)
    for name, wanted in given.items():
        if name == "where":
            assert min(made["total"].to_pylist()) > 200
        elif isinstance(wanted, dict):
            assert wanted["min"] <= min(made[name].to_pylist())
            assert max(made[name].to_pylist()) <= wanted["max"]
        else:
            assert set(made[name].to_pylist()) == {wanted}


@pytest.mark.parametrize("gone", ["total", "net", "shipping", "amount", "price"])
def test_gaps_are_filled_so_that_it_adds_up(fitted, bill, gone):
    """One cell of a sum that is missing is what the others leave."""
    rows = bill.slice(0, 150)
    holed = rows.set_column(rows.column_names.index(gone), gone, pa.nulls(150, pa.float64()))
    made = fitted.complete(holed)
    assert adds_up(made)
    if gone != "price":
        assert made[gone].to_pylist() == pytest.approx(rows[gone].to_pylist())


def test_two_gaps_of_a_sum_are_filled_so_that_it_adds_up(fitted, bill):
    """Where both parts of a known total are missing, one is drawn and the other is what is left, within what the table shows."""
    rows = bill.slice(0, 300)
    holed = rows
    for name in ("net", "shipping"):
        holed = holed.set_column(holed.column_names.index(name), name, pa.nulls(300, pa.float64()))
    made = {name: fitted.complete(holed)[name].to_numpy() for name in ("net", "shipping", "total")}
    assert (made["total"] == rows["total"].to_numpy()).all()
    assert np.mean(np.abs(made["total"] - made["net"] - made["shipping"]) < 1e-9) > 0.97
    assert set(made["shipping"]) <= {0.0, 4.9, 9.9}
    assert made["net"].min() >= bill["net"].to_numpy().min()


def test_what_was_not_sold_keeps_its_price():
    """Nothing times a price is nothing: the amount 0 may be asked for, and a price that nothing tells is drawn, not left out."""
    g = np.random.default_rng(7)
    quantity, price = g.integers(-1, 5, N), np.round(g.uniform(1, 9, N), 2)
    table = pa.table({"quantity": quantity, "price": price, "amount": np.round(quantity * price, 2)})
    model = Forest().fit(table)
    made = model.sample(200, given={"amount": 0}, seed=1)
    assert set(made["quantity"].to_pylist()) == {0}
    assert made["price"].null_count == 0
    filled = model.complete(table.set_column(1, "price", pa.nulls(N, pa.float64())))
    assert filled["price"].null_count == 0
    assert (np.round(filled["quantity"].to_numpy() * filled["price"].to_numpy(), 2) == table["amount"].to_numpy()).all()


def test_saved_forest_still_adds_up(fitted, tmp_path):
    """Relations and partners are saved: the same rows come out."""
    fitted.save(tmp_path / "model")
    assert Synthesizer.load(tmp_path / "model").sample(200, seed=5) == fitted.sample(200, seed=5)


@pytest.fixture(scope="module")
def indexed() -> pa.Table:
    """Incomes of each year lie on that year's own grid, as when a survey's brackets are put into today's money."""
    g = np.random.default_rng(3)
    year = g.integers(1990, 2020, 12_000)
    bracket = g.integers(1, 21, 12_000)
    return pa.table(
        {"year": year, "age": g.integers(18, 70, 12_000), "income": np.round(bracket * (1 + 0.03 * (year - 1990)), 3)}
    )


def test_pairs_that_the_table_does_not_show_are_not_drawn(indexed):
    """Nearly every drawn pair of year and income is one that the table shows; without partners most are not."""
    pairs = set(zip(indexed["year"].to_pylist(), indexed["income"].to_pylist(), strict=True))
    made = Forest().fit(indexed).sample(4000, seed=1)
    shown = np.mean([pair in pairs for pair in zip(made["year"].to_pylist(), made["income"].to_pylist(), strict=True)])
    assert shown > 0.97
    assert np.corrcoef(made["year"], made["income"])[0, 1] == pytest.approx(
        np.corrcoef(indexed["year"], indexed["income"])[0, 1], abs=0.05
    )


def test_filled_gaps_keep_to_the_partner(indexed):
    """An income that is filled in is one of its year."""
    pairs = set(zip(indexed["year"].to_pylist(), indexed["income"].to_pylist(), strict=True))
    rows = indexed.slice(0, 400).set_column(2, "income", pa.nulls(400, pa.float64()))
    made = Forest().fit(indexed).complete(rows)
    assert np.mean([pair in pairs for pair in zip(made["year"].to_pylist(), made["income"].to_pylist(), strict=True)]) > 0.95


def test_a_price_list_that_adds_up_is_no_circle():
    """The price says the fee, and total less fee is the price: both hold in the rows, and neither waits for the other."""
    g = np.random.default_rng(6)
    price = 50 * g.integers(1, 100, N)
    fee = g.integers(1, 900, 100)[price // 50]
    made = Forest().fit(pa.table({"price": price, "fee": fee, "total": price + fee, "x": g.normal(size=N)})).sample(500, seed=1)
    v = {name: made[name].to_numpy() for name in made.column_names}
    assert (v["price"] + v["fee"] == v["total"]).all()
    assert set(zip(v["price"], v["fee"], strict=True)) <= set(zip(price, fee, strict=True))


def test_inequalities_hold_whatever_columns_are_called():
    """A column whose name holds a quotation mark keeps its place below another."""
    g = np.random.default_rng(5)
    low = g.normal(size=800)
    table = pa.table({'5" pipe': low, "top": low + g.exponential(0.3, 800), "kind": g.choice(["a", "b"], 800)})
    made = Forest().fit(table).sample(1500)
    assert (made['5" pipe'].to_numpy() <= made["top"].to_numpy()).all()
