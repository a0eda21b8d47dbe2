"""Personal columns of a safe copy hold other people: they are looked for, not compared."""

import pyarrow as pa

import lookalike as la

FIRST, LAST = ("Ann", "Bob", "Cleo", "Dan"), ("Smith", "Jones", "Brown")


def people(n):
    names = [f"{FIRST[i % 4]} {LAST[i % 3]}" for i in range(n)]
    return pa.table({"name": names, "city": ["Ulm", "Bonn", "Kiel"] * (n // 3), "age": [20 + (i * 7) % 50 for i in range(n)]})


def values(report, metric):
    """What the metric found, without what it skipped."""
    return [result.value for result in report.results if result.metric == metric and result.value is not None]


def test_replaced_names_cost_no_fidelity():
    """Names that repeat look like categories; replaced by others they neither break validity nor give the copy away."""
    real = people(600)
    made = la.mimic(real, n=600, seed=1)
    assert not set(made["name"].to_pylist()) & set(real["name"].to_pylist())
    report = la.evaluate(real, made, only="validity,marginals,c2st")
    assert set(values(report, "validity")) == {1}
    assert values(report, "c2st")[0] < 0.6
    assert any("not compared: name" in note for note in report.notes)


def test_other_texts_that_repeat_are_compared():
    """A city is no person, whatever it is written like."""
    real = people(600)
    report = la.evaluate(real, real.set_column(1, "city", pa.array(["Rome"] * 600)), only="validity")
    assert 0 in values(report, "validity")
