"""A plan as a graph of tasks: what can be done apart, what it needs, and the file that says that it is done.

fit/<fingerprint>       learns a source; once for all tables and shards that sample it
rows/<table>/00003      makes a partition; where verdicts need all rows, its cells
judge/<table>           gives the verdicts where they need all rows: replaced ones, steps with memory
measure                 says what the tables are worth
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lookalike.plan.model import Compiled, TablePlan


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that a run makes.

    Attributes:
        id: its name.
        needs: tasks that must be done before; `rows/people/*` are all partitions of a table.
        makes: a path in the run folder; the task is done when it is there.
        calls: model calls expected.
    """

    id: str
    needs: tuple[str, ...]
    makes: str
    calls: int = 0

    def json(self) -> dict[str, Any]:
        """Plain data."""
        return {"id": self.id, "needs": list(self.needs), "makes": self.makes, "calls": self.calls}


def tasks(plan: Compiled) -> Iterator[Task]:
    """The tasks of a plan, each after what it needs."""
    learned: set[str] = set()
    for table in plan.tables:
        if table.fit and table.fit not in learned:
            learned.add(table.fit)
            yield Task(f"fit/{table.fit}", (), f"fitted/{table.fit}/learned.json")
        yield from _rows(plan, table)
    if any(table.table.measured for table in plan.tables):
        yield Task("measure", tuple(_whole(table) for table in plan.tables), "report.json")


def _rows(plan: Compiled, table: TablePlan) -> Iterator[Task]:
    """A table's partitions, as many as are known before the run: of children those of their first parent."""
    needs = [f"fit/{table.fit}"] if table.fit else []
    needs += [_whole(plan.table(parent)) for parent in table.parents]  # ids of children are counted through all parents
    calls = sum(column.calls for column in table.estimates)
    count = partitions(plan, table)
    for index in range(count):
        name = f"{table.name}/part-{index:05d}"
        makes = f"journal/{name}" if table.judged_together else f"tables/{name}.parquet"
        share = calls * (index + 1) // count - calls * index // count
        yield Task(f"rows/{table.name}/{index:05d}", tuple(needs), makes, share)
    if table.judged_together:
        yield Task(f"judge/{table.name}", (f"rows/{table.name}/*",), f"tables/{table.name}")


def partitions(plan: Compiled, table: TablePlan) -> int:
    """Partitions of a table; of children as many as their first parent has, before rows of it are replaced."""
    if table.n_rows is not None:
        return -(-table.n_rows // table.partition_rows)
    return partitions(plan, plan.table(table.parents[0])) if table.parents else 0


def _whole(table: TablePlan) -> str:
    """The tasks after which a table is finished."""
    return f"judge/{table.name}" if table.judged_together else f"rows/{table.name}/*"
