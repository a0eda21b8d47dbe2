"""Several related tables: keys hold, families resemble themselves, rules between tables hold in every row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lookalike as la
from lookalike.errors import SchemaError, SynthesizerError
from lookalike.schema.infer import infer
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.synthesizers.relational import graph


def shop(n=400, seed=0):
    """Customers, their orders, the lines of these, and products: totals, copies, dates in order, siblings that are alike."""
    g = np.random.default_rng(seed)
    customers = pd.DataFrame({"id": np.arange(1, n + 1), "city": g.choice(["Rome", "Oslo", "Bonn"], n, p=[0.5, 0.3, 0.2]), "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(g.integers(0, 900, n), "D")})  # fmt: skip
    taste = np.where(customers["city"] == "Rome", 1.0, 3.0) * g.lognormal(0, 0.5, n)
    owner = np.repeat(np.arange(n), g.poisson(3, n))
    orders = pd.DataFrame({"id": np.arange(len(owner)) + 7000, "customer_id": customers["id"].to_numpy()[owner]})
    orders["day"] = customers["joined"].to_numpy()[owner] + pd.to_timedelta(1 + g.integers(0, 400, len(owner)), "D")
    products = pd.DataFrame(
        {"id": np.arange(1, 91), "price": g.integers(100, 9000, 90) / 100, "kind": g.choice(["a", "b", "c"], 90)}
    )
    line_of = np.repeat(np.arange(len(owner)), 1 + g.poisson(1, len(owner)))
    pick = np.clip((taste[owner[line_of]] * 20 + g.normal(0, 4, len(line_of))).astype(int), 0, 89)
    ranked = products.sort_values("price")["id"].to_numpy()
    lines = pd.DataFrame({"order_id": orders["id"].to_numpy()[line_of], "product_id": ranked[pick]})
    lines["line"] = lines.groupby("order_id").cumcount() + 1
    lines["price"] = products.set_index("id")["price"].reindex(lines["product_id"]).to_numpy()
    orders["total"] = lines.groupby("order_id")["price"].sum().reindex(orders["id"]).round(2).to_numpy()
    return {"customers": customers, "orders": orders, "lines": lines, "products": products}


@pytest.fixture(scope="module")
def model():
    return la.Relational().fit(shop(), seed=1)


@pytest.fixture(scope="module")
def made(model):
    return model.sample(seed=2)


def test_keys_and_relations_are_found():
    """Primary keys, foreign keys, and the composite key of order lines."""
    found = la.relations(shop())
    assert found.keys == {"customers": ("id",), "orders": ("id",), "lines": ("order_id", "line"), "products": ("id",)}
    assert {str(r) for r in found.relations} == {
        "orders(customer_id) -> customers(id)", "lines(order_id) -> orders(id)", "lines(product_id) -> products(id)",
    }  # fmt: skip
    assert "  orders (id) by customer_id: 100% of its" in str(found)


def test_keys_hold(made):
    """Every key is unique, and every reference points at a row."""
    assert made["orders"]["id"].is_unique
    assert not made["lines"].duplicated(["order_id", "line"]).any()
    assert made["orders"]["customer_id"].isin(made["customers"]["id"]).all()
    assert made["lines"]["order_id"].isin(made["orders"]["id"]).all()
    assert made["lines"]["product_id"].isin(made["products"]["id"]).all()


def test_frames_come_back_as_they_came(made):
    """The same tables, columns and types."""
    for name, table in shop().items():
        assert list(made[name].columns) == list(table.columns)
        assert made[name].dtypes.to_dict() == table.dtypes.to_dict()


def test_rules_between_tables_hold_in_every_row(model, made):
    """A total is the sum of its lines, a line repeats its product's price, an order is not before its customer."""
    lines, orders = made["lines"], made["orders"]
    assert set(model.rules_) >= {
        "orders.total is the sum of price over lines(order_id)", "lines.price repeats price by lines(product_id)",
    }  # fmt: skip
    price = made["products"].set_index("id")["price"].reindex(lines["product_id"]).to_numpy()
    assert (lines["price"].to_numpy() == price).all()
    total = lines.groupby("order_id")["price"].sum().reindex(orders["id"]).to_numpy()
    some = ~np.isnan(total)
    assert np.abs(total - orders["total"].to_numpy())[some].max() < 0.005
    joined = made["customers"].set_index("id")["joined"].reindex(orders["customer_id"]).to_numpy()
    assert (orders["day"].to_numpy() >= joined).all()


def test_families_are_as_large_as_real_ones(made):
    """Children a parent, none included: their mean and spread."""
    real, new = shop(), made
    for child, key, parent in (("orders", "customer_id", "customers"), ("lines", "order_id", "orders")):
        sizes = [t[child][key].value_counts().reindex(t[parent]["id"], fill_value=0) for t in (real, new)]
        assert abs(sizes[0].mean() - sizes[1].mean()) < 0.3
        assert abs(sizes[0].std() - sizes[1].std()) < 0.4


def test_siblings_are_alike_and_follow_their_grandparents(made):
    """A customer's orders resemble each other as real ones do, and those of Rome cost less."""
    cost, likeness = [], []
    for tables in (shop(), made):
        orders = tables["orders"].merge(tables["customers"], left_on="customer_id", right_on="id")
        means = orders.groupby("city")["total"].median()
        cost.append(means["Rome"] / means["Oslo"])
        rank = tables["lines"].merge(tables["orders"], left_on="order_id", right_on="id")
        values = rank["price"].rank(pct=True)
        likeness.append(values.groupby(rank["customer_id"]).transform("mean").corr(values))
    assert abs(cost[0] - cost[1]) < 0.15
    assert abs(likeness[0] - likeness[1]) < 0.12


def test_scale_and_rows(model):
    """Tables that refer to none have as many rows as asked, and the others follow."""
    small = model.sample(scale=0.25, seed=0)
    assert len(small["customers"]) == 100
    assert 200 < len(small["orders"]) < 400
    assert len(model.sample(rows={"customers": 10}, seed=0)["customers"]) == 10
    assert {len(table) for table in model.sample(scale=0, seed=0).values()} == {0}
    with pytest.raises(SynthesizerError, match="as many rows as 'customers' gives it"):
        model.sample(rows={"orders": 10})


def test_conditions_on_a_root_table(model):
    """Customers of Bonn alone, with orders of their own."""
    bonn = model.sample(given={"customers": {"city": "Bonn"}}, seed=0)
    assert set(bonn["customers"]["city"]) == {"Bonn"}
    assert bonn["orders"]["customer_id"].isin(bonn["customers"]["id"]).all()


def test_a_seed_gives_the_same_tables_and_a_saved_model_too(model, tmp_path):
    """Equal bytes for equal seeds, others for others, and the same after saving and loading."""
    again, other = model.sample_arrow(seed=2), model.sample_arrow(seed=3)
    loaded = la.Relational.load(model.save(tmp_path / "model")).sample_arrow(seed=2)
    assert all(again[name].equals(loaded[name]) for name in again)
    assert not again["customers"].equals(other["customers"])


def test_mimic_takes_several_tables():
    """`mimic` of a mapping is `Relational`."""
    made = la.mimic(shop(60), scale=2, seed=0)
    assert len(made["customers"]) == 120
    assert made["orders"]["customer_id"].isin(made["customers"]["id"]).all()


# --- shapes ---


def table(**columns):
    return pa.table(columns)


def schema_of(tables, *relations, keys=None, lists=()):
    return DatasetSchema({n: infer(t) for n, t in tables.items()}, keys or {}, relations, frozenset(lists))


@st.composite
def databases(draw):
    """Up to six tables of any shape: chains, several parents, self references, nullable keys, empty tables."""
    seed, count = draw(st.integers(0, 10_000)), draw(st.integers(2, 6))
    g = np.random.default_rng(seed)
    tables, relations, keys = {}, [], {}
    for i in range(count):
        rows = int(g.choice([0, 1, 25, 60], p=[0.1, 0.1, 0.4, 0.4]))
        columns = {
            "id": pa.array(g.permutation(rows) + 100 * i),
            "x": pa.array(g.normal(size=rows).round(2)),
            "c": pa.array(g.choice(["u", "v"], rows)),
        }
        for parent in g.choice(i, min(i, int(g.integers(0, 3))), replace=False) if i else ():
            known = tables[f"t{parent}"]["id"].to_numpy()
            nulls = g.random(rows) < (0.2 if g.random() < 0.5 else 0.0)
            key = g.choice(known, rows) if len(known) else np.zeros(rows, np.int64)
            columns[f"p{parent}"] = pa.array(key, mask=nulls | (len(known) == 0))
            relations.append(Relation(f"t{i}", (f"p{parent}",), f"t{parent}", ("id",), nullable=True))
        if g.random() < 0.3 and rows > 1:
            above = np.array([g.integers(0, j) if j else 0 for j in range(rows)])
            columns["up"] = pa.array(columns["id"].to_numpy()[above], mask=np.arange(rows) == 0)
            relations.append(Relation(f"t{i}", ("up",), f"t{i}", ("id",), nullable=True))
        tables[f"t{i}"], keys[f"t{i}"] = pa.table(columns), ("id",)
    return tables, schema_of(tables, *relations, keys=keys)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(databases())
def test_any_graph_of_tables_gives_valid_keys(database):
    """Whatever refers to what, keys are unique, references point at rows, types stay, and a seed gives the same bytes."""
    tables, schema = database
    if not any(t.num_rows for t in tables.values()):
        return
    model = la.Relational().fit(tables, schema)
    made = model.sample_arrow(seed=1)
    for name, real in tables.items():
        assert made[name].schema.names == real.schema.names
        assert made[name].schema.types == real.schema.types
        assert len(pc.unique(made[name]["id"])) == made[name].num_rows
    for relation in schema.relations:
        places = graph.places_of(made[relation.child], relation, made[relation.parent])
        nulls = made[relation.child][relation.columns[0]].null_count
        assert int((places < 0).sum()) == nulls
    assert all(made[name].equals(again) for name, again in model.sample_arrow(seed=1).items())


def test_self_references_have_no_circle():
    """Employees have managers: the top has none, and nobody is above themselves."""
    n = 120
    above = [None] + [int((i - 1) // 4) for i in range(1, n)]
    staff = pd.DataFrame({"id": np.arange(n), "manager": pd.array(above, "Int64"), "pay": np.arange(n)[::-1] * 10.0})
    made = la.Relational().fit({"staff": staff}).sample(seed=0)["staff"]
    boss = dict(zip(made["id"], made["manager"], strict=True))
    for person in made["id"]:
        seen, at = set(), person
        while not pd.isna(at):
            assert at not in seen
            seen.add(at)
            at = boss[at]


def test_circles_of_tables_open_at_a_nullable_key():
    """Teams have a captain, players a team: both are filled, captains as often null as in the real rows."""
    g = np.random.default_rng(0)
    teams = table(
        id=np.arange(40), captain=pa.array(g.integers(0, 300, 40), mask=g.random(40) < 0.25), cups=g.integers(0, 9, 40)
    )
    players = table(id=np.arange(300), team=g.integers(0, 40, 300), goals=g.poisson(3, 300))
    tables = {"teams": teams, "players": players}
    relations = (
        Relation("teams", ("captain",), "players", ("id",), nullable=True),
        Relation("players", ("team",), "teams", ("id",)),
    )
    made = (
        la.Relational()
        .fit(tables, schema_of(tables, *relations, keys={"teams": ("id",), "players": ("id",)}))
        .sample_arrow(scale=3)
    )
    assert pc.all(pc.is_in(made["teams"]["captain"].drop_null(), made["players"]["id"])).as_py()
    assert 0.1 < made["teams"]["captain"].null_count / made["teams"].num_rows < 0.4


def test_a_junction_has_no_pair_twice_and_loses_no_row():
    """Songs in playlists: pairs are unique, drawn again and never dropped."""
    g = np.random.default_rng(0)
    songs, lists = np.arange(200), np.arange(12)
    pairs = np.array([(s, p) for s in songs for p in lists if g.random() < 0.4])
    tables = {"songs": pd.DataFrame({"id": songs, "length": g.normal(200, 30, 200).round()}), "playlists": pd.DataFrame({"id": lists, "public": g.random(12) < 0.5}), "entries": pd.DataFrame({"song_id": pairs[:, 0], "playlist_id": pairs[:, 1]})}  # fmt: skip
    made = la.Relational().fit(tables).sample(seed=0)
    assert not made["entries"].duplicated().any()
    assert abs(len(made["entries"]) / len(pairs) - 1) < 0.1


def test_places_rise_within_a_family():
    """Years of a career: one row a year, rising, as in the real rows."""
    g = np.random.default_rng(0)
    start, years = g.integers(1960, 2000, 150), 1 + g.poisson(4, 150)
    players = pd.DataFrame({"player_id": [f"p{i:04d}" for i in range(150)], "born": start - g.integers(18, 30, 150)})
    rows = [(f"p{i:04d}", start[i] + k, int(g.poisson(20))) for i in range(150) for k in range(years[i])]
    seasons = pd.DataFrame(rows, columns=["player_id", "year", "games"])
    made = la.Relational().fit({"players": players, "seasons": seasons}).sample(seed=0)["seasons"]
    steps = made.groupby("player_id")["year"].diff().dropna()
    assert (steps == 1).mean() > 0.95
    assert (steps >= 1).all()


# --- bad input ---


def test_keys_that_are_none_are_refused_by_name():
    """Duplicate and null primary keys name table, column and how many rows."""
    tables = {"a": table(id=pa.array([1, 1, 2]), x=[1.0, 2.0, 3.0])}
    with pytest.raises(SchemaError, match=r"id is no primary key of 'a': 1 rows repeat"):
        la.Relational().fit(tables, schema_of(tables, keys={"a": ("id",)}))
    tables = {"a": table(id=pa.array([1, None, 2]), x=[1.0, 2.0, 3.0])}
    with pytest.raises(SchemaError, match="1 rows have no key"):
        la.Relational().fit(tables, schema_of(tables, keys={"a": ("id",)}))


def test_orphans_are_null_or_refused():
    """References to rows that are not there become null, or stop the fit with their number."""
    tables = {"a": table(id=np.arange(50), x=np.arange(50.0)), "b": table(a_id=np.arange(40, 80), y=np.arange(40.0))}
    schema = schema_of(tables, Relation("b", ("a_id",), "a", ("id",), nullable=True), keys={"a": ("id",)})
    with pytest.raises(SchemaError, match="30 rows of 'b' refer to rows of 'a' that are not there"):
        la.Relational(orphans="refuse").fit(tables, schema)
    made = la.Relational().fit(tables, schema).sample_arrow(seed=0)
    assert 14 <= made["b"]["a_id"].null_count <= 46  # 30 expected, three standard errors either way


def test_keys_of_two_types_meet():
    """Numbers in one table and text in the other are the same keys, and each table keeps its own."""
    g = np.random.default_rng(0)
    tables = {"customers": table(id=np.arange(100), x=g.normal(size=100)), "orders": table(customer_id=pa.array(map(str, g.integers(0, 100, 300))), y=g.normal(size=300))}  # fmt: skip
    made = la.Relational().fit(tables).sample_arrow(seed=0)
    assert made["orders"]["customer_id"].type == pa.string()
    assert pc.all(pc.is_in(made["orders"]["customer_id"], made["customers"]["id"].cast(pa.string()))).as_py()


def test_no_table_and_no_row():
    """Nothing to learn from is said."""
    with pytest.raises(SynthesizerError, match="no tables"):
        la.Relational().fit({})
    with pytest.raises(SynthesizerError, match="no table has a row"):
        la.Relational().fit({"a": table(x=pa.array([], pa.int64()))})


def test_dates_in_texts_are_dates():
    """As SQLite and CSV hold them: orders are not before their customers, and the texts keep their form."""
    tables = shop()
    for name, column in (("customers", "joined"), ("orders", "day")):
        tables[name][column] = tables[name][column].dt.strftime("%d.%m.%Y")
    model = la.Relational().fit(tables, seed=0)
    assert "orders.day is not before joined by orders(customer_id)" in model.rules_
    made = model.sample(seed=0)
    days = pd.to_datetime(made["orders"]["day"], format="%d.%m.%Y")
    joined = pd.to_datetime(made["customers"].set_index("id")["joined"], format="%d.%m.%Y").reindex(
        made["orders"]["customer_id"]
    )
    assert (days.to_numpy() >= joined.to_numpy()).all()
