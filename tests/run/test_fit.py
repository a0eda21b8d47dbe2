"""What a run learns is learned once, whoever asks for it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from lookalike.plan import compile_plan
from lookalike.recipe.model import Recipe
from lookalike.run.engine import Options, run
from lookalike.run.executors import Shard
from lookalike.run.folder import RunFolder
from lookalike.sources.frame import Frame

TABLE = pa.table({"a": np.arange(300.0), "b": ["x", "y", "z"] * 100})


def plan(**tables):
    rows = {"like": "real", "n": 90, "synthesizer": "independent"}
    tables = {name: {"rows": {**rows, **fields}} for name, fields in tables.items()}
    recipe = Recipe(name="learn", seed=3, sources={"real": Frame(data=TABLE)}, tables=tables)
    return compile_plan(recipe, partition_rows=10)


def test_three_shards_learn_once(tmp_path):
    """Processes that start together: one learns, the others wait for it and sample the same rows."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda i: run(plan(t={}), tmp_path / "shared", Options(shard=Shard(i, 3))), range(3)))
    shared, alone = run(plan(t={}), tmp_path / "shared"), run(plan(t={}), tmp_path / "alone")
    assert [event["event"] for event in RunFolder(tmp_path / "shared").events()].count("fit") == 1
    assert shared.table("t").equals(alone.table("t"))


def test_tables_share_what_was_learned_and_no_rows(tmp_path):
    """Two tables that are like one source: one fit, the first with the rows of `mimic`, the second with others."""
    made = run(plan(train={}, test={"given": {"b": "x"}}, more={}), tmp_path / "run")
    assert [event["event"] for event in made.events()].count("fit") == 1
    assert set(made.table("test")["b"].to_pylist()) == {"x"}
    assert not made.table("train").equals(made.table("more"))
