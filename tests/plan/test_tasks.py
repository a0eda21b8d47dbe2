"""The plan as a graph of tasks."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lookalike import api
from lookalike.plan.tasks import Task, tasks

LIKE = {"rows": {"like": "s", "n": 5, "synthesizer": "independent"}}
SAID = {"kind": "scripted", "replies": ["yes"]}


def plan(folder, tables):
    pq.write_table(pa.table({"a": list(range(60))}), folder / "s.parquet")
    return api.plan(
        {"name": "r", "models": {"m": SAID}, "sources": {"s": {"kind": "file", "path": "s.parquet"}}, "tables": tables}
    )


def test_what_is_learned_is_one_task_for_all_that_sample_it(in_folder):
    """Two tables like one source need one fit; measuring needs both tables."""
    made = plan(in_folder, {"t": LIKE, "u": LIKE})
    fit = f"fit/{made.tables[0].fit}"
    assert list(tasks(made)) == [
        Task(fit, (), f"fitted/{made.tables[0].fit}/learned.json"),
        Task("rows/t/00000", (fit,), "tables/t/part-00000.parquet"),
        Task("rows/u/00000", (fit,), "tables/u/part-00000.parquet"),
        Task("measure", ("rows/t/*", "rows/u/*"), "report.json"),
    ]


def test_partitions_share_the_calls_and_children_need_their_parents(in_folder):
    """Calls add up over partitions; verdicts on all rows are a task of their own, and children wait for it."""
    note = {"kind": "prompt", "model": "m", "prompt": "of {{ n }}"}
    parents = {"rows": 2500, "columns": {"n": {"kind": "sequence"}, "note": note}, "keep": ["n > 3"]}
    made = plan(in_folder, {"p": parents, "c": {"rows": {"per": "p", "count": 2}, "columns": {"n": {"kind": "sequence"}}}})
    found = {task.id: task for task in tasks(made)}
    assert [found[f"rows/p/{i:05d}"].calls for i in range(3)] == [833, 833, 834]
    assert found["judge/p"] == Task("judge/p", ("rows/p/*",), "tables/p")
    assert found["rows/p/00001"].makes == "journal/p/part-00001"
    assert found["rows/c/00002"].needs == ("judge/p",)


def test_what_tasks_make_is_there_when_a_run_is_done(in_folder):
    """Each path of the plan is a file of the run, and the graph stands in plan.json."""
    made = plan(in_folder, {"t": LIKE, "c": {"rows": {"per": "t", "count": 1}, "columns": {"n": {"kind": "sequence"}}}})
    run = api.make(made, "run")
    api.measure(made, run)
    assert all((run.path / task.makes).exists() for task in tasks(made))
    assert run.plan["tasks"] == [task.json() for task in tasks(made)]
    assert not any(Path(task["makes"]).is_absolute() for task in run.plan["tasks"])
