"""Sums and products between the numbers of a row."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.schema.identities import find, unit_of

N = 800
CENTS = 0.01


@pytest.fixture
def bill() -> dict[str, np.ndarray]:
    """Net, tax and shipping add up; a quantity times a price makes an amount; a temperature in two units; noise."""
    g = np.random.default_rng(4)
    net, shipping = np.round(g.gamma(2, 50, N), 2), g.choice([0, 4.9, 9.9], N)
    tax = np.round(0.07 * net + g.random(N), 2)
    quantity, price = g.integers(1, 9, N).astype(float), np.round(g.uniform(1, 90, N), 2)
    celsius = np.round(g.normal(15, 8, N), 1)
    return {
        "net": net, "tax": tax, "shipping": shipping, "total": np.round(net + tax + shipping, 2), "quantity": quantity,
        "price": price, "amount": np.round(quantity * price, 2), "celsius": celsius,
        "fahrenheit": np.round(1.8 * celsius + 32, 1), "noise": g.normal(size=N),
    }  # fmt: skip


def units(values: dict[str, np.ndarray]) -> dict[str, float]:
    """Of the last digit that each is written with."""
    return {"quantity": 1.0, "celsius": 0.1, "fahrenheit": 0.1, "noise": 0.0} | {
        name: CENTS for name in values if name not in ("quantity", "celsius", "fahrenheit", "noise")
    }


def test_sums_products_and_units_are_found(bill):
    """What others give exactly is found, as somebody would write it, and nothing else."""
    found = {identity.column: identity.sql for identity in find(bill, units(bill))}
    assert found == {
        "total": '"net" + "tax" + "shipping"',
        "amount": 'round("quantity" * "price", 2)',
        "fahrenheit": 'round(1.8 * "celsius" + 32, 1)',
    }


def test_what_is_found_gives_the_column(bill):
    """Worked out from the others the column is the same to the last digit, and missing where one of them is."""
    for identity in find(bill, units(bill)):
        made = identity.of(bill)
        assert np.abs(made - bill[identity.column]).max() < 1.01 * identity.unit
        holed = {**bill, identity.terms[0][0]: np.where(np.arange(N) < 3, np.nan, bill[identity.terms[0][0]])}
        assert np.isnan(identity.of(holed)).sum() == 3


def test_a_term_that_is_nearly_always_zero_is_found(bill):
    """Two rows of eight hundred with a fee are enough to know that it counts."""
    fee = np.zeros(N)
    fee[[77, 401]] = 15.0
    values = {"paid": bill["net"] + bill["tax"] + fee, "net": bill["net"], "tax": bill["tax"], "fee": fee}
    (found,) = find(values, dict.fromkeys(values, CENTS))
    assert (found.column, found.sql) == ("paid", '"net" + "tax" + "fee"')


def test_one_row_that_differs_ends_it(bill):
    """A relation holds in every row, or it is none."""
    bill["total"][5] += 1
    assert "total" not in {identity.column for identity in find(bill, units(bill))}


def test_missing_values_must_agree(bill):
    """A total that is missing although its parts are there is not given by them."""
    bill["total"][5] = np.nan
    assert "total" not in {identity.column for identity in find(bill, units(bill))}
    bill["net"][5] = np.nan
    assert "total" in {identity.column for identity in find(bill, units(bill))}


def test_what_is_worked_out_gives_nothing_else(bill):
    """No column hangs on one that is itself worked out: there is no circle."""
    bill["gross"] = bill["total"] + bill["amount"]
    found = find(bill, units(bill))
    given = {identity.column for identity in found}
    assert {"gross", "total", "amount"} & given
    assert not given & {name for identity in found for name, _ in identity.terms}
    solved = {identity.column: identity.of(bill) for identity in found}
    assert all(np.abs(solved[name] - bill[name]).max() < 0.0101 for name in given if name != "fahrenheit")


def test_numbers_that_only_hang_together_are_no_identity():
    """A regression that explains nearly all, a small table, and sorted years are not arithmetic."""
    g = np.random.default_rng(1)
    a, b = g.normal(size=N), g.normal(size=N)
    assert not find({"a": a, "b": b, "c": a + b + 1e-4 * g.normal(size=N)}, {"a": 0.0, "b": 0.0, "c": 0.0})
    few = {"a": a[:30], "b": b[:30], "c": (a + b)[:30]}
    assert not find(few, dict.fromkeys(few, 0.0))
    order = np.arange(N, dtype=float)
    year = 2010 - np.floor(order / 160 + 0.3 * g.random(N))
    assert not find({"order": order, "year": year}, {"order": 1.0, "year": 1.0})


def test_the_widest_number_is_worked_out():
    """Balance = amount - paid is turned round when the balance varies most: errors of the others show least there."""
    g = np.random.default_rng(2)
    amount, paid = 500.0 * g.integers(2, 80, N), np.round(g.gamma(2, 300, N), 2)
    values = {"amount": amount, "paid": paid, "balance": np.round(amount - paid, 2)}
    (found,) = find(values, {"amount": 1.0, "paid": CENTS, "balance": CENTS})
    assert (found.column, found.sql) == ("balance", '"amount" - "paid"')


def test_numbers_without_end_are_left_out(bill):
    """Infinite and huge numbers break no search: the other sums are still found."""
    bill["endless"] = np.where(np.arange(N) == 3, np.inf, bill["noise"])
    bill["huge"] = bill["noise"] * 1e300
    assert {"total", "amount", "fahrenheit"} == {f.column for f in find(bill, units(bill) | {"endless": 0.0, "huge": 0.0})}


def test_what_is_shorter_than_a_billionth_of_a_moment_counts():
    """Requests of ten milliseconds in a year of nanoseconds: the end is not the start, it is the start and what the request took."""
    g = np.random.default_rng(3)
    start, took = 1.6e18 + np.floor(g.uniform(0, 3e16, N)), np.floor(g.uniform(1e6, 2e7, N))
    values = {"start": start, "took": took, "end": start + took}
    (found,) = find(values, dict.fromkeys(values, 1.0))
    assert {found.column, *(name for name, _ in found.terms)} == {"start", "took", "end"}
    del values["took"]
    assert not find(values, dict.fromkeys(values, 1.0))


@pytest.mark.parametrize("answers", [3, 5])
def test_scores_of_few_answers_are_found(answers):
    """A score of 0 to 8 is never far from the sum of three of its four answers, and is the sum of all four."""
    g = np.random.default_rng(5)
    values = {f"q{i}": g.integers(0, answers, N).astype(float) for i in range(4)}
    values["score"] = np.sum(list(values.values()), 0)
    (found,) = find(values, dict.fromkeys(values, 1.0))
    assert (found.column, found.sql) == ("score", '"q0" + "q1" + "q2" + "q3"')


def test_cents_count_in_large_amounts():
    """Billions with cents are written to the cent, whole ones are whole, and measurements have all their digits."""
    g = np.random.default_rng(7)
    amounts = g.uniform(1e9, 9e9, N)
    assert unit_of(np.round(amounts, 2)) == CENTS
    assert unit_of(np.round(amounts)) == 1.0
    assert unit_of(np.concatenate([np.zeros(N), np.round(amounts, 2)])) == CENTS
    assert unit_of(g.normal(size=N)) == 0.0


def test_products_may_be_zero_or_negative(bill):
    """What was not sold costs nothing and what was given back costs less: quantity times price all the same."""
    bill["quantity"] = np.random.default_rng(8).integers(-2, 9, N).astype(float)
    bill["amount"] = np.round(bill["quantity"] * bill["price"], 2)
    found = {identity.column: identity.sql for identity in find(bill, units(bill))}
    assert found["amount"] == 'round("quantity" * "price", 2)'
