"""Constraints hold on every sampled row, or the error says which does not and how often."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest
from pyarrow import parquet
from pydantic import TypeAdapter, ValidationError
from typer.testing import CliRunner

import lookalike as la
from lookalike.cli.app import app
from lookalike.errors import RecipeError, SynthesizerError, UnknownColumn, Unsatisfiable
from lookalike.synthesizers.constraints.constrained import Constrained
from lookalike.synthesizers.constraints.constraint import AnyConstraint, apply, check, violations
from lookalike.synthesizers.forest.model import Forest
from lookalike.synthesizers.methods.independent import Independent

READ = TypeAdapter(AnyConstraint)


def table(n=300):
    draws = np.random.default_rng(0)
    start = np.datetime64("2020-01-01", "s") + draws.integers(0, 10**7, n)
    city = draws.integers(0, 3, n)
    net, tax = np.round(draws.gamma(2, 10, n), 2), np.round(draws.gamma(1, 2, n), 2)
    hot = np.eye(3, dtype=np.int64)[draws.integers(0, 3, n)]
    return pa.table({
        "start": start, "end": start + draws.integers(0, 10**6, n), "low": draws.integers(0, 50, n),
        "city": np.array(["Oslo", "Bergen", "Lima"])[city], "country": np.array(["NO", "NO", "PE"])[city],
        "net": net, "tax": tax, "gross": net + tax, "double": net * 2, "a": hot[:, 0], "b": hot[:, 1], "c": hot[:, 2],
        "status": draws.choice(["open", "closed"], n), "left": draws.integers(0, 9, n),
    })  # fmt: skip


def sampled(*constraints, n=200, **options):
    model = Constrained(base=Independent(), constraints=[READ.validate_python(c) for c in constraints])
    return model.fit(table()), model.sample(n, **options)


def test_inequalities_hold_by_construction():
    """An end is never before its start, though the method knows no dependence."""
    model, out = sampled({"kind": "inequality", "low": "start", "high": "end"})
    assert all(a <= b for a, b in zip(out["start"].to_pylist(), out["end"].to_pylist(), strict=True))
    assert model.report_ == {"inequality low=start, high=end": 0}


def test_chains_of_inequalities_hold():
    """a <= b <= c is added up from below."""
    data = pa.table({"a": [1, 2, 3] * 20, "b": [2, 2, 9] * 20, "c": [5, 7, 9] * 20})
    chain = [READ.validate_python({"kind": "inequality", "low": x, "high": y}) for x, y in (("b", "c"), ("a", "b"))]
    out = Constrained(base=Independent(), constraints=chain).fit(data).sample(100).to_pydict()
    assert all(a <= b <= c for a, b, c in zip(*out.values(), strict=True))


def test_fixed_combinations_are_real_ones():
    """A city comes with its own country only."""
    _, out = sampled({"kind": "fixed", "columns": ["city", "country"]})
    assert {(r["city"], r["country"]) for r in out.select(["city", "country"]).to_pylist()} <= {
        ("Oslo", "NO"),
        ("Bergen", "NO"),
        ("Lima", "PE"),
    }


def test_sums_formulas_one_hot_and_ranges_hold():
    """Totals, formulas, indicators and bounds are exact on every row."""
    _, out = sampled(
        {"kind": "sum", "parts": ["net", "tax"], "total": "gross"},
        {"kind": "formula", "column": "double", "sql": "net * 2"},
        {"kind": "one_hot", "columns": ["a", "b", "c"]},
        {"kind": "range", "column": "low", "low": 0, "high": 60},
    )
    rows = out.to_pylist()
    assert all(abs(r["net"] + r["tax"] - r["gross"]) < 1e-6 for r in rows)
    assert all(r["double"] == r["net"] * 2 for r in rows)
    assert all(r["a"] + r["b"] + r["c"] == 1 for r in rows)
    assert all(0 <= r["low"] <= 60 for r in rows)
    assert out.schema.equals(table().schema)


def test_conditionals_rules_and_unique_hold():
    """Repairs and new draws leave no row that breaks a condition."""
    with pytest.warns(UserWarning, match="the real table itself breaks constraints"):
        model, out = sampled(
            {"kind": "conditional", "when": "status = 'closed'", "set": {"left": 0}},
            {"kind": "rule", "sql": "low > 5 or tax < 3"},
            {"kind": "unique", "columns": ["net", "low"]},
            n=150,
        )
    rows = out.to_pylist()
    assert all(r["left"] == 0 for r in rows if r["status"] == "closed")
    assert all(r["low"] > 5 or r["tax"] < 3 for r in rows)
    assert len({(r["net"], r["low"]) for r in rows}) == 150
    assert model.report_["rule sql=low > 5 or tax < 3"] > 0


def test_impossible_rules_name_themselves_and_count():
    """A rule that no row holds is an error with the rule and the number of rows that broke it."""
    with pytest.warns(UserWarning, match="breaks"), pytest.raises(Unsatisfiable, match=r"rule sql=low > 1000 broken by \d+"):
        sampled({"kind": "rule", "sql": "low > 1000"}, n=5)


def test_conditions_hold_beside_constraints():
    """`given` on plain and on rewritten columns holds as well."""
    _, out = sampled({"kind": "fixed", "columns": ["city", "country"]}, given={"country": "PE", "status": "open"}, n=30)
    assert set(out["city"].to_pylist()) == {"Lima"}
    assert set(out["status"].to_pylist()) == {"open"}


def test_contradictions_are_found_before_learning():
    """Cycles of strict inequalities, ranges that do not meet, and unknown columns are refused."""
    less = [
        READ.validate_python({"kind": "inequality", "low": a, "high": b, "strict": True}) for a, b in (("a", "b"), ("b", "a"))
    ]
    with pytest.raises(Unsatisfiable, match="contradicts"):
        check(less, ["a", "b"])
    apart = [READ.validate_python({"kind": "range", "column": "a", **ends}) for ends in ({"low": 5}, {"high": 1})]
    with pytest.raises(Unsatisfiable, match="do not meet"):
        check(apart, ["a"])
    with pytest.raises(UnknownColumn, match="did you mean 'start'"):
        check([READ.validate_python({"kind": "inequality", "low": "stat", "high": "end"})], ["start", "end"])
    with pytest.raises(ValidationError):
        READ.validate_python({"kind": "range", "column": "a", "low": 3, "high": 1})


def test_any_table_can_be_repaired():
    """`apply` swaps, clips and drops, and says how many rows each constraint cost."""
    data = pa.table({"a": [5, 1, 2], "b": [1, 3, 2], "d": [dt.date(2020, 1, 1)] * 3})
    rules = [
        READ.validate_python(c) for c in ({"kind": "inequality", "low": "a", "high": "b"}, {"kind": "rule", "sql": "a < 2"})
    ]
    assert violations(data, rules) == {"inequality low=a, high=b": 1, "rule sql=a < 2": 2}
    out, lost = apply(data, rules)
    assert out.to_pydict()["a"] == [1, 1]
    assert lost == {"inequality low=a, high=b": 0, "rule sql=a < 2": 1}


def _orders(n=500):
    """Two dates in texts; net and gross in cents, of which some are missing; a status that says when the end is."""
    g = np.random.default_rng(3)
    start = g.integers(0, 900, n)
    end = start + g.integers(0, 50, n)
    days = [[(dt.date(2020, 1, 1) + dt.timedelta(int(d))).strftime("%d.%m.%Y") for d in column] for column in (start, end)]
    net = np.round(g.gamma(2, 20, n), 2)
    gross = pa.array(np.round(net + np.round(net * g.choice([0.07, 0.19], n), 2), 2), mask=g.random(n) < 0.1)
    return pa.table({"start": days[0], "end": days[1], "net": net, "gross": gross, "status": g.choice(["open", "done"], n, p=[0.3, 0.7]), "score": g.integers(0, 100, n)})  # fmt: skip


def _day(text):
    return dt.date(*map(int, reversed(text.split("."))))


@pytest.mark.parametrize("base", [Independent(), Forest()], ids=["independent", "forest"])
def test_dates_in_texts_are_compared_as_dates(base):
    """No start is after its end, whatever the texts look like, and the texts have their form."""
    made = Constrained(base=base, constraints=["start <= end"]).fit(_orders()).sample(400)
    assert all(_day(a) <= _day(b) for a, b in zip(made["start"].to_pylist(), made["end"].to_pylist(), strict=True))


@pytest.mark.parametrize("base", [Independent(), Forest()], ids=["independent", "forest"])
def test_numbers_keep_their_digits_and_their_gaps(base):
    """Gross is at least net, has two digits as the table has, and is missing as often."""
    made = Constrained(base=base, constraints=["gross >= net"]).fit(_orders()).sample(1000)
    pairs = zip(made["net"].to_pylist(), made["gross"].to_pylist(), strict=True)
    assert all(gross is None or (gross >= net and round(gross, 2) == gross) for net, gross in pairs)
    assert abs(made["gross"].null_count / 1000 - 0.1) < 0.05


def test_sums_are_exact_in_decimals_and_keep_their_gaps():
    """A total of decimals is the sum to the last digit; where the table leaves it out, samples do as often."""
    g = np.random.default_rng(0)
    cents = g.integers(1, 10**6, (2, 600))
    kind = pa.decimal128(12, 2)
    a, b, total = (pa.array([f"{c / 100:.2f}" for c in column]).cast(kind) for column in (*cents, cents.sum(0)))
    total = pa.compute.if_else(pa.array(g.random(600) < 0.2), pa.scalar(None, kind), total)
    data = pa.table({"a": a, "b": b, "total": total})
    made = (
        Constrained(base=Independent(), constraints=[{"kind": "sum", "parts": ["a", "b"], "total": "total"}])
        .fit(data)
        .sample(500)
    )
    assert made.schema == data.schema
    assert all(row["total"] in (None, row["a"] + row["b"]) for row in made.to_pylist())
    assert abs(made["total"].null_count / 500 - 0.2) < 0.08


def test_what_a_rule_is_about_keeps_its_share():
    """Half of the open orders that the method draws break the rule; as many orders are open as it draws without the rule."""
    rule = {"kind": "conditional", "when": "status = 'open'", "then": "score < 50"}
    with pytest.warns(UserWarning, match="the real table itself breaks"):
        model = Constrained(base=Independent(), constraints=[rule]).fit(_orders())
    rows = model.sample(1000).to_pylist()
    assert all(row["score"] < 50 for row in rows if row["status"] == "open")
    assert abs(np.mean([row["status"] == "open" for row in rows]) - 0.3) < 0.06


def test_bounds_are_read_as_the_column_is():
    """A range of dates in texts, and of numbers, by values that a person would write; others are refused with the form."""
    made = Constrained(base=Independent(), constraints=[{"kind": "range", "column": "end", "high": "2020-12-31"}])
    with pytest.warns(UserWarning, match="breaks"):
        rows = made.fit(_orders()).sample(200)["end"].to_pylist()
    assert max(map(_day, rows)) <= dt.date(2020, 12, 31)
    with pytest.raises(SynthesizerError, match=r"write it as %d\.%m\.%Y"):
        Constrained(base=Independent(), constraints=[{"kind": "range", "column": "end", "high": "soon"}]).fit(_orders())


def test_a_constraint_may_be_a_text():
    """`gross >= net` is an inequality, anything else an SQL condition; what SQL cannot be is refused."""
    assert READ.validate_python("gross >= net") == READ.validate_python({"kind": "inequality", "low": "net", "high": "gross"})
    assert READ.validate_python('"a b" < c').strict
    assert READ.validate_python("net * 2 > 3").kind == "rule"
    with pytest.raises(ValidationError, match="random"):
        READ.validate_python("random() < net")


def test_recipes_calls_and_commands_take_the_same_words(tmp_path, monkeypatch):
    """`constraints:` in a recipe, `constraints=` in Python and `--constraint` give the same rows, which hold them."""
    monkeypatch.chdir(tmp_path)
    csv.write_csv(_orders(), "orders.csv")
    words = ["gross >= net", {"kind": "range", "column": "score", "low": 0}]
    rows = {"like": "orders", "n": 60, "synthesizer": "independent", "constraints": words}
    recipe = {
        "name": "r",
        "sources": {"orders": {"kind": "file", "path": "orders.csv"}},
        "tables": {"synthetic": {"rows": rows}},
    }
    made = la.run(recipe, "runs/r").table("synthetic")
    called = la.mimic("orders.csv", 60, synthesizer="independent", constraints=words)
    command = ["mimic", "orders.csv", "-o", "o.parquet", "-n", "60", "--synthesizer", "independent", "--no-evaluate"]
    asked = CliRunner().invoke(
        app, [*command, "--constraint", words[0], "--constraint", "{kind: range, column: score, low: 0}"]
    )
    assert asked.exit_code == 0, asked.output
    assert made.to_pylist() == called.to_pylist() == parquet.read_table("o.parquet").to_pylist()
    assert all(row["gross"] is None or row["gross"] >= row["net"] for row in called.to_pylist())
    rows["constraints"] = ["grss >= net"]
    with pytest.raises(RecipeError, match="did you mean 'gross'"):
        la.plan(recipe)
