"""Rules are proposed only where they could have failed."""

import numpy as np
import pyarrow as pa

from lookalike.schema.infer import infer
from lookalike.schema.rules import dependencies, gaps

DRAWS = np.random.default_rng(0)
N = 500


def test_inequalities_that_could_fail_are_found():
    """A start before its end is a rule; an age below a weight in grams is not."""
    start = np.datetime64("2020-01-01", "s") + DRAWS.integers(0, 10**6, N)
    table = pa.table({
        "start": start, "end": start + DRAWS.integers(0, 10**5, N), "age": DRAWS.integers(0, 90, N),
        "grams": DRAWS.integers(10_000, 90_000, N),
    })  # fmt: skip
    assert infer(table).rules == ('"start" <= "end"',)


def test_chains_are_kept_short():
    """a <= b and b <= c make a <= c needless; one violation ends a rule."""
    a = DRAWS.normal(size=N)
    b = a + DRAWS.random(N)
    table = {"a": a, "b": b, "c": b + DRAWS.random(N)}
    assert infer(pa.table(table)).rules == ('"a" <= "b"', '"b" <= "c"')
    table["b"][7] = a[7] - 1
    assert '"a" <= "b"' not in infer(pa.table(table)).rules


def test_functional_dependencies_are_found_and_checked_on_all_rows():
    """A city has one country; one row that differs ends the dependency."""
    city = DRAWS.integers(0, 30, N)
    table = pa.table(
        {"city": city.astype(str), "country": (city // 10).astype(str), "free": DRAWS.integers(0, 5, N).astype(str)}
    )
    found = [(d.determinant, d.dependent) for d in dependencies(table, infer(table))]
    assert found == [("city", "country")]
    country = (city // 10).astype(str)
    country[-1] = "9"
    broken = table.set_column(1, "country", pa.array(country))
    assert not dependencies(broken, infer(broken))


def test_joint_gaps_are_found():
    """Columns that are always missing together are one group."""
    gone = DRAWS.random(N) < 0.3
    values = [None if g else 1.5 for g in gone]
    table = pa.table({"a": values, "b": values, "c": DRAWS.normal(size=N)})
    (group,) = gaps(table)
    assert group.columns == ("a", "b")
    assert group.share == gone.mean()
