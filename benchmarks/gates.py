"""What the default gates do: how often they fail halves of real tables, and which planted faults they catch.

    python benchmarks/gates.py [--runs 20] [--rows 1500] [alarms] [faults]

`alarms`: training rows, holdout and release are disjoint draws of one real table, so a gate that fails the release is wrong.
`faults`: a release of other real rows is spoiled in one way; the gates that fail it are named. Both print Markdown tables.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from evaluation import GATED, gated_table

from lookalike.evaluate.evaluate import evaluate
from lookalike.sources.package import Package

Draw = np.random.Generator
Fault = Callable[[pa.Table, pa.Table, Draw], Any]


def cut(table: pa.Table, rows: int, draw: Draw) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Disjoint training rows, release and holdout of equal size."""
    size = min(rows, table.num_rows // 3)
    order = draw.permutation(table.num_rows)
    first, second, third = (table.take(pa.array(np.sort(order[i * size : (i + 1) * size]))) for i in range(3))
    return first, second, third


def failing(report: Any) -> list[str]:
    """The blocking gates that fail."""
    return [f"{o.table}.{o.metric}".lstrip(".") for o in report.outcomes if o.status == "fail" and o.severity == "block"]


def alarms(runs: int, rows: int) -> None:
    """One line a table: how many releases of other real rows fail, and by which gate."""
    print("| table | rows of each × columns | runs | failed | by |\n|---|---|---|---|---|")
    total = wrong = 0
    for name, target in GATED.items():
        table = gated_table(name)
        gates: Counter[str] = Counter()
        failed = 0
        for run in range(runs):
            train, release, holdout = cut(table, rows, np.random.default_rng([run, 11]))
            bad = failing(evaluate(train, release, holdout=holdout, target=target, seed=run))
            gates.update(bad)
            failed += bool(bad)
        total, wrong = total + runs, wrong + failed
        said = ", ".join(f"{gate} {count}" for gate, count in gates.most_common())
        print(f"| {name} | {min(rows, table.num_rows // 3):,} × {table.num_columns} | {runs} | {failed} | {said} |", flush=True)
    print(f"| all | | {total} | {wrong} ({wrong / total:.1%}) | |")


def people(rows: int, draw: Draw) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Adult with what a customers table has besides: a key, an e-mail, parts and their sum, a city and its country, two days, a note."""
    cities = {"Oslo": "NO", "Rome": "IT", "Lyon": "FR", "Kiel": "DE", "Bern": "CH"}
    words = np.array(
        "amber basin cedar delta ember fjord grove heron inlet jetty kelp lagoon maple north ochre prairie quarry reef".split()
    )

    def more(table: pa.Table, first: int) -> pa.Table:
        n = table.num_rows
        city = draw.choice(list(cities), n)
        net, tax = draw.integers(100, 9000, n), draw.integers(5, 900, n)
        start = np.datetime64("2020-01-01") + draw.integers(0, 900, n)
        own = {
            "customer_id": np.arange(first, first + n), "email": [f"p{draw.integers(10**9)}@mail{i % 7}.net" for i in range(n)],
            "net": net, "tax": tax, "total": net + tax, "city": city, "country": [cities[c] for c in city],
            "start": start, "end": start + draw.integers(0, 90, n), "note": [" ".join(draw.choice(words, 14)) for _ in range(n)],
        }  # fmt: skip
        for name, cells in own.items():
            table = table.append_column(name, pa.array(cells))
        return table

    sides = cut(Package(name="adult").read(Path()), rows, draw)
    first, second, third = (more(side, 100_000 * (i + 1)) for i, side in enumerate(sides))
    return first, second, third


def put(table: pa.Table, name: str, cells: Any) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(
        table.column_names.index(name), name, cells if isinstance(cells, pa.ChunkedArray) else pa.array(cells)
    )


def some(draw: Draw, n: int, share: float) -> Any:
    """A mask that is true for a share of the rows."""
    return draw.random(n) < share


def written(table: pa.Table, cells: list[str]) -> pa.Table:
    """The table with a column that a model wrote."""
    return table.append_column("reply", pa.array(cells))


def replies(table: pa.Table, tail: Callable[[int], str] = lambda _: "") -> list[str]:
    """Texts of which no two are alike."""
    return [f"{text[::-1]} {i} {tail(i)}" for i, text in enumerate(table["note"].to_pylist())]


def swapped(table: pa.Table, name: str, where: Any, cells: Any) -> pa.Table:
    """Cells replaced where the mask is true."""
    return put(table, name, pc.if_else(pa.array(where), pa.array(cells, table[name].type), table[name].combine_chunks()))


def shuffled(table: pa.Table, name: str, draw: Draw) -> pa.Table:
    """One column in another order."""
    return put(table, name, table[name].take(pa.array(draw.permutation(table.num_rows))))


def flipped(table: pa.Table, draw: Draw) -> pa.Table:
    """Labels of 45% of the rows taken from other rows."""
    return swapped(
        table,
        "income",
        some(draw, table.num_rows, 0.45),
        table["income"].take(pa.array(draw.permutation(table.num_rows))).to_pylist(),
    )


REFUSED = "I'm sorry, but I can't help with that."
FAULTS: dict[str, Fault] = {
    "no row at all": lambda real, made, draw: made.slice(0, 0),
    "a column is missing": lambda real, made, draw: made.drop_columns(["education"]),
    "30% of a column that is never null are null": lambda real, made, draw: swapped(made, "age", some(draw, made.num_rows, 0.3), [None] * made.num_rows),
    "a column holds one value": lambda real, made, draw: put(made, "occupation", ["Sales"] * made.num_rows),
    "a tenth of the numbers times ten": lambda real, made, draw: swapped(made, "age", some(draw, made.num_rows, 0.1), [int(v) * 10 for v in made["age"].to_pylist()]),
    "a tenth of the categories misspelt": lambda real, made, draw: swapped(made, "sex", some(draw, made.num_rows, 0.1), ["Femle"] * made.num_rows),
    "all columns drawn independently": lambda real, made, draw: pa.table({n: made[n].take(pa.array(draw.permutation(made.num_rows))) for n in made.column_names}),
    "keys repeat": lambda real, made, draw: put(made, "customer_id", np.arange(made.num_rows) // 2 + 10**6),
    "sums do not add up": lambda real, made, draw: shuffled(made, "total", draw),
    "cities in the wrong country": lambda real, made, draw: shuffled(made, "country", draw),
    "ends before starts": lambda real, made, draw: shuffled(made, "end", draw),
    "half of the labels wrong": lambda real, made, draw: flipped(made, draw),
    "a copy of the training rows": lambda real, made, draw: real,
    "5% of the rows copied": lambda real, made, draw: pa.concat_tables([real.slice(0, real.num_rows // 20), made.slice(real.num_rows // 20)]),
    "e-mails of the training rows": lambda real, made, draw: put(made, "email", real["email"]),
    "personal data in written texts": lambda real, made, draw: written(made, replies(made, lambda i: f"call +44 20 7946 0{i % 900 + 100}")),
    "an access key in a written text": lambda real, made, draw: written(made, replies(made, lambda i: "key AKIAIOSFODNN7EXAMPLE" if i == 5 else "")),
    "a tenth of the texts are refusals": lambda real, made, draw: written(made, [REFUSED + t if i % 10 == 0 else t for i, t in enumerate(replies(made))]),
    "three texts again and again": lambda real, made, draw: written(made, [replies(made)[i % 3] for i in range(made.num_rows)]),
    "notes copied word for word": lambda real, made, draw: put(made, "note", real["note"]),
    "a tenth of the rows failed": lambda real, made, draw: (made, {"making": {"outcomes": {"t": {"kept": 900, "failed": 100}}}}),
    "children without parents": lambda real, made, draw: orphaned(made, draw),
}  # fmt: skip


def orphaned(made: pa.Table, draw: Draw) -> dict[str, pa.Table]:
    """Visits of which a tenth name a customer who is not there."""
    ids = draw.choice(made["customer_id"].to_numpy(), 2 * made.num_rows)
    lost = np.where(some(draw, ids.size, 0.1), 1, ids)
    return {"customers": made, "visits": pa.table({"customer_id": lost, "minutes": draw.integers(5, 60, ids.size)})}


def judged(real: pa.Table, made: Any, holdout: pa.Table, draw: Draw) -> list[str]:
    """The gates that fail a spoiled release."""
    options: dict[str, Any] = {"holdout": holdout, "target": "income"}
    if isinstance(made, tuple):
        made, more = made
        options |= more
    if isinstance(made, dict):
        ids = draw.choice(real["customer_id"].to_numpy(), 2 * real.num_rows)
        sides = {"customers": real, "visits": pa.table({"customer_id": ids, "minutes": draw.integers(5, 60, ids.size)})}
        return failing(evaluate(sides, made, foreign_keys={"visits.customer_id": "customers.customer_id"}, only="validity"))
    return failing(evaluate(real, made, **options))


def faults(rows: int) -> None:
    """One line a fault: the default gates that fail it; the first line is a release without one."""
    print("| planted fault | gates of profile `internal` that fail |\n|---|---|")
    real, clean, holdout = people(rows, np.random.default_rng(3))
    print(f"| none | {', '.join(judged(real, clean, holdout, np.random.default_rng(4)))} |", flush=True)
    caught = 0
    for name, plant in FAULTS.items():
        bad = judged(real, plant(real, clean, np.random.default_rng(5)), holdout, np.random.default_rng(6))
        caught += bool(bad)
        print(f"| {name} | {', '.join(bad) or '**none**'} |", flush=True)
    print(f"\n{caught} of {len(FAULTS)} caught")


def main() -> None:
    """Print the tables that are asked for, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=["alarms", "faults"], default=["faults", "alarms"])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1500)
    given = parser.parse_args()
    if "faults" in given.what:
        faults(given.rows)
    if "alarms" in given.what:
        alarms(given.runs, given.rows)


if __name__ == "__main__":
    main()
