"""The forest keeps the rules that it finds, under conditions too, and the shares of what they concern."""

import numpy as np
import pyarrow as pa
import pytest

import lookalike as la
from lookalike.schema.infer import infer
from lookalike.schema.rules import RuleCells, find

N = 3000


def customers(seed=0):
    """In the first month one month is paid; who stays gave no reason; two readings are missing together."""
    g = np.random.default_rng(seed)
    months, monthly = g.integers(1, 12, N), np.round(g.normal(60, 20, N).clip(10), 2)
    total = np.round(np.where(months == 1, monthly, monthly * months * g.uniform(0.9, 1.1, N)), 2)
    stays, unread = g.random(N) < 0.6, g.random(N) < 0.2
    lines = np.where(months % 3 > 0, g.choice(["one", "two"], N), "none")
    return pa.table({
        "months": months, "monthly": monthly, "total": total, "ended": pa.array(g.integers(0, 30, N), mask=stays),
        "reason": pa.array(g.choice(["price", "moved"], N), mask=stays | (g.random(N) < 0.2)), "lines": lines,
        "high": pa.array(g.normal(120, 9, N).round(1), mask=unread), "low": pa.array(g.normal(80, 9, N).round(1), mask=unread),
    })  # fmt: skip


@pytest.fixture(scope="module")
def model():
    """A forest of them."""
    return la.Forest().fit(customers())


@pytest.fixture(scope="module")
def rules():
    """What is found in them."""
    return find(customers(), infer(customers())).all


def broken(rules, rows):
    """Rule -> rows that break it."""
    cells = RuleCells(rows, infer(customers()))
    return {rule.text: int(rule.broken(cells).sum()) for rule in rules if rule.broken(cells).any()}


def test_drawn_rows_keep_every_rule(model, rules):
    """No row breaks a rule, and first months, who stays and gaps are as frequent as in the table: no row was lost to a rule."""
    assert {
        "where months = 1, total = monthly",
        "where ended is missing, reason is missing",
        "high, low are missing together",
    } <= {rule.text for rule in rules}
    made = model.sample(N)
    assert broken(rules, made) == {}
    real = customers()
    share = np.mean(made["months"].to_numpy() == 1), np.mean(real["months"].to_numpy() == 1)
    assert abs(share[0] - share[1]) < 4 * np.sqrt(share[1] / N)
    for name in ("ended", "reason", "high"):
        assert abs(made[name].null_count - real[name].null_count) < 4 * np.sqrt(real[name].null_count)


@pytest.mark.parametrize(
    "given",
    [
        {"months": 1},
        {"total": {"max": 70}},
        {"where": "total < 70"},
        {"ended": None},
        {"months": [1, 2], "lines": "one"},
        {"high": {"min": 130}},
    ],
    ids=str,
)
def test_rules_hold_under_conditions(model, rules, given):
    """A row that holds what was asked for keeps the rules as well; first months are not left out."""
    made, real = model.sample(400, given=given, seed=1), customers()
    assert not {text for text in broken(rules, made) if text.startswith("where") or "together" in text}
    if given == {"total": {"max": 70}}:
        low = real["months"].to_numpy()[real["total"].to_numpy() <= 70]
        assert abs(np.mean(made["months"].to_numpy() == 1) - np.mean(low == 1)) < 0.1


def test_rules_are_saved_with_the_model(model, tmp_path):
    """A loaded forest draws the same rows."""
    assert la.Forest.load(model.save(tmp_path / "m")).sample(200, seed=3).equals(model.sample(200, seed=3))


def test_what_is_made_anew_is_missing_with_what_is_learned():
    """A note is missing just where the visit's end is, a name where the note is; the shares of gaps stay."""
    g = np.random.default_rng(0)
    stays, silent = g.random(1500) < 0.4, g.random(1500) < 0.2
    words = [f"the patient of room {g.integers(1, 900)} slept well and left number {i}" for i in range(1500)]
    table = pa.table({
        "end": pa.array(g.integers(0, 90, 1500), mask=stays), "note": pa.array(words, mask=stays),
        "mail": pa.array([f"a{i}@example.org" for i in range(1500)], mask=stays | silent), "age": g.integers(0, 99, 1500),
    })  # fmt: skip
    made = la.Forest().fit(table).sample(1000)
    end, note, mail = (made[name].is_null().to_numpy() for name in ("end", "note", "mail"))
    assert (end == note).all()
    assert mail[end].all()
    assert abs(mail.mean() - (stays | silent).mean()) < 0.06
