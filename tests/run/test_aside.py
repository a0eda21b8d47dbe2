"""Whatever computes does so beside the loop: replies go on coming in."""

import threading
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from lookalike.generators.base import Generator
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.steps.base import Kept, Step

LEFT_OVER_S = 60  # a guard against hanging, not a measure


class Gates:
    """What the blocked ones wait for, by name."""

    opened: ClassVar[dict[str, threading.Event]] = {}

    @classmethod
    def wait(cls, name):
        """Whether it was opened."""
        return cls.opened[name].wait(LEFT_OVER_S)


class Blocked(Step):
    """Waits for something that only happens while other replies come in."""

    kind: ClassVar[str] = "blocked"
    name: str = "step"

    def apply(self, batch, ctx):
        assert Gates.wait(self.name)
        return Kept(batch)


class BlockedColumn(Generator):
    """A block column that waits likewise."""

    kind: ClassVar[str] = "blocked_column"
    reads: str
    name: str = "column"

    def needs(self):
        return frozenset({self.reads})

    def generate(self, batch, ctx):
        assert Gates.wait(self.name)
        return pa.array([f"{value}!" for value in batch[self.reads].to_pylist()])


def recipe(step, columns):
    """A table in partitions of two rows, of which the first is judged while others are asked."""
    found = load(
        """
name: beside
models: {m: {kind: scripted, replies: [one, two, three], concurrency: 2}}
tables:
  a:
    rows: 12
    columns:
      word: {kind: prompt, model: m, prompt: "a word"}
      echo: {kind: template, template: "{{ word }}"}
      more: {kind: prompt, model: m, prompt: "beside {{ echo }}"}
"""
    )
    table = found.tables["a"]
    changed = table.model_copy(update={"steps": step, "columns": {**table.columns, **columns}})
    return found.model_copy(update={"tables": {"a": changed}})


@pytest.mark.parametrize(
    ("name", "step", "columns"),
    [("step", (Blocked(),), {}), ("column", (), {"echo": BlockedColumn(reads="word")})],
)
def test_a_slow_step_or_block_column_holds_up_no_reply(tmp_path, name, step, columns):
    """A step, or a column between two model columns, that blocks until replies of other rows are in does not wait for ever."""
    gate = Gates.opened[name] = threading.Event()
    replies = []

    def watch(table, entry, request):
        replies.append((entry.column, entry.row))
        if len({row for _, row in replies}) > 2:
            gate.set()

    plan = compile_plan(recipe(step, columns), Path(), partition_rows=2)
    folder = run(plan, tmp_path / "r", Options(watch=watch))
    assert gate.is_set()
    assert folder.table("a").num_rows == 12


def test_cells_of_a_block_column_that_wait_together_are_made_together(tmp_path):
    """While a block is being made others gather: far fewer calls than rows, and the same cells."""
    sizes = []
    first = threading.Event()

    class Counting(BlockedColumn):
        """Notes the size of each block; the first waits until others have come."""

        kind: ClassVar[str] = "counting"

        def generate(self, batch, ctx):
            sizes.append(len(batch))
            first.wait(LEFT_OVER_S)
            return pa.array([f"{value}!" for value in batch[self.reads].to_pylist()])

    def watch(table, entry, request):
        words.append(entry.row)
        if len(words) == 12:
            first.set()

    words = []
    table = recipe((), {"echo": Counting(reads="word")})
    table = table.model_copy(update={"models": {"m": table.models["m"].model_copy(update={"concurrency": 12})}})
    folder = run(compile_plan(table, Path(), partition_rows=4), tmp_path / "r", Options(watch=watch))
    assert sum(sizes) == 12
    assert len(sizes) < 12
    rows = folder.table("a").to_pylist()
    assert [row["echo"] for row in rows] == [f"{row['word']}!" for row in rows]
