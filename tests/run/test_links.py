"""Hidden columns are kept beside a table's rows, for its children and its steps."""

from pathlib import Path

import pytest

from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.run.executors import Shard
from lookalike.run.folder import RunFolder

FAMILY = """
name: family
tables:
  people:
    rows: 9
    columns:
      age: {{kind: integer, low: 18, high: 90}}
      secret: {{kind: expression, sql: "age * {factor}", hidden: true}}
    keep: ["age > 30"]
  visits:
    rows: {{per: people, count: 2}}
    columns:
      told: {{kind: template, template: "{{{{ people.age }}}} {{{{ people.secret }}}}"}}
"""


def made(folder, *, factor=2, partition=100):
    return run(compile_plan(load(FAMILY.format(factor=factor)), Path(), partition_rows=partition), folder, Options(threads=1))


@pytest.mark.parametrize("partition", [2, 100])
def test_children_read_hidden_columns_of_their_parents(tmp_path, partition):
    """A hidden column is in no table, and its children's templates find it, whatever the size of partitions and after a resume."""
    folder = made(tmp_path / "r", partition=partition)
    assert folder.table("people").column_names == ["age"]
    ages = folder.table("people")["age"].to_pylist()
    expected = [f"{age} {2 * age}" for age in ages for _ in range(2)]
    assert folder.table("visits")["told"].to_pylist() == expected
    for path in (folder.path / "tables" / "visits").glob("*.parquet"):
        path.unlink()
    assert made(tmp_path / "r", partition=partition).table("visits")["told"].to_pylist() == expected


def test_an_edit_of_a_hidden_column_reaches_the_children(tmp_path):
    """A hidden column that changes is made anew, and what hangs on it in other tables too."""
    made(tmp_path / "r")
    folder = made(tmp_path / "r", factor=3)
    first = folder.table("visits")["told"].to_pylist()[0]
    age, secret = map(int, first.split())
    assert secret == 3 * age


def test_lost_links_are_told_and_made_good(tmp_path):
    """A partition whose hidden columns are gone is made anew, and said."""
    folder = made(tmp_path / "r")
    links = folder.path / "links" / "people" / "part-00000.parquet"
    before = links.read_bytes()
    links.unlink()
    made(tmp_path / "r")
    assert links.read_bytes() == before
    assert [event["path"] for event in RunFolder(folder.path).events() if event["event"] == "damaged"] == [
        "links/people/part-00000.parquet"
    ]


def test_duplicates_by_a_hidden_column_are_known_after_a_resume(tmp_path):
    """A step with memory that reads a hidden column remembers the rows of partitions that exist."""
    text = """
name: once
tables:
  a:
    rows: 12
    cap: 4
    columns:
      n: {kind: sequence}
      group: {kind: expression, sql: "n // 3", hidden: true}
    steps: [{kind: dedup, on: group, method: exact}]
"""
    plan = compile_plan(load(text), Path(), partition_rows=4)
    folder = run(plan, tmp_path / "r", Options())
    expected = folder.table("a").to_pylist()
    assert len(expected) == 12
    for path in sorted((folder.path / "tables" / "a").glob("*.parquet"))[1:]:
        path.unlink()
    assert run(plan, tmp_path / "r", Options()).table("a").to_pylist() == expected


def test_shards_make_children_when_all_parents_are_there(tmp_path):
    """The shard that finds its parents complete makes its share of the children; the run that finishes writes the same bytes."""
    text = FAMILY.format(factor=2).replace('    keep: ["age > 30"]\n', "")
    plan = compile_plan(load(text), Path(), partition_rows=2)

    def shard(index):
        run(plan, tmp_path / "r", Options(threads=1, shard=Shard(index, 2)))
        return {path.name for path in (tmp_path / "r" / "tables" / "visits").glob("*.parquet")}

    assert shard(0) == set()
    assert shard(1) == {"part-00001.parquet", "part-00003.parquet"}
    assert shard(0) == {f"part-{number:05d}.parquet" for number in range(5)}
    sharded, whole = run(plan, tmp_path / "r"), run(plan, tmp_path / "one")
    for table in ("people", "visits"):
        assert [path.read_bytes() for path in sharded.paths(table)] == [path.read_bytes() for path in whole.paths(table)]
