"""Finding keys: what speaks for one, and what only looks so."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import lookalike as la
from lookalike.schema.keys import words

G = np.random.default_rng(0)


def relations(**tables):
    return {str(r) for r in la.relations(tables).relations}


@pytest.mark.parametrize(
    ("name", "found"),
    [("CustomerID", ("customer", "id")), ("order_lines", ("order", "line")), ("playerID", ("player", "id")), ("categories", ("category",)), ("address", ("address",))],
)  # fmt: skip
def test_names_are_words(name, found):
    """Camel case, underscores and plurals are read alike."""
    assert words(name) == found


@pytest.mark.parametrize("column", ["customer_id", "CustomerID", "customer", "customerid", "billing_customer_id"])
def test_a_name_and_included_values_make_a_reference(column):
    """However the parent's name is written in the column."""
    customers = pa.table({"id": np.arange(1, 41), "age": G.integers(18, 80, 40)})
    orders = pa.table({"id": np.arange(200), column: G.integers(1, 41, 200), "amount": G.normal(size=200)})
    assert relations(customers=customers, orders=orders) == {f"orders({column}) -> customers(id)"}


def test_small_numbers_are_no_reference_by_their_values_alone():
    """A quantity of 1 to 9 is among the keys of every longer table."""
    customers = pa.table({"id": np.arange(1, 41), "age": G.integers(18, 80, 40)})
    orders = pa.table({"id": np.arange(200), "quantity": G.integers(1, 10, 200)})
    assert relations(customers=customers, orders=orders) == set()


def test_telling_values_need_no_name():
    """Airport codes in a column called `origin` are keys of airports, even three of them."""
    airports = pa.table({"faa": [f"{a}{b}X" for a in "ABCDEFGH" for b in "KLMNOPQ"], "alt": G.integers(0, 9000, 56)})
    flights = pa.table({"origin": G.choice(["AKX", "BLX", "CMX"], 300), "delay": G.normal(size=300)})
    assert relations(airports=airports, flights=flights) == {"flights(origin) -> airports(faa)"}


def test_float_keys_of_pandas_and_orphans():
    """Keys with gaps are floats in pandas; some may point nowhere when the name says what they are."""
    parent = np.where(np.arange(100) % 7 == 0, np.nan, G.integers(1, 60, 100))
    tables = {"teams": pd.DataFrame({"id": np.arange(1, 51), "size": G.integers(1, 9, 50)}), "people": pd.DataFrame({"id": np.arange(100), "team_id": parent})}  # fmt: skip
    found = la.relations(tables).relations
    assert [(r.columns, r.parent, r.nullable) for r in found] == [(("team_id",), "teams", True)]
    assert "% of its" in found[0].reason


def test_a_manager_is_a_row_of_the_same_table():
    """Self references are found by a word that points upwards."""
    staff = pd.DataFrame({"id": np.arange(50), "reports_to": pd.array([None, *G.integers(0, 20, 49)], "Int64")})
    assert relations(staff=staff) == {"staff(reports_to) -> staff(id)"}


def test_composite_keys_are_found_and_referred_to():
    """Hours of an airport are told apart by both columns, and flights name both."""
    hours = pa.table(
        {"airport": np.repeat(["ABC", "DEF", "GHI"], 30), "hour": np.tile(np.arange(30), 3), "wind": G.normal(size=90)}
    )
    airports = pa.table({"airport": ["ABC", "DEF", "GHI", "JKL"], "runways": [1, 2, 3, 4]})
    flights = pa.table({"id": np.arange(200), "airport": G.choice(["ABC", "DEF", "GHI"], 200), "hour": G.integers(0, 30, 200)})
    found = la.relations({"hours": hours, "airports": airports, "flights": flights})
    assert found.keys["hours"] == ("airport", "hour")
    assert "flights(airport, hour) -> hours(airport, hour)" in set(map(str, found.relations))


def test_code_lists_hold_words_alone():
    """Countries are kept as they are; people and what is measured never are."""
    tables = {
        "countries": pd.DataFrame({"code": ["DE", "FR", "IT", "ES"], "region": ["a", "b", "b", "c"]}),
        "owners": pd.DataFrame({"id": [1, 2, 3], "email": ["a@b.de", "c@d.de", "e@f.de"]}),
        "cars": pd.DataFrame({"country_code": G.choice(["DE", "FR", "IT", "ES"], 100), "owner_id": G.integers(1, 4, 100)}),
    }
    assert la.relations(tables).lists == {"countries"}
