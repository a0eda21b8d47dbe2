"""Every public function of `import lookalike as la`, called as a user calls it."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lookalike as la
from lookalike.errors import LookalikeError, RecipeProblems, RunError, SourceError, UnknownKind, UsageError

AGES = {
    "name": "ages",
    "seed": 3,
    "tables": {"people": {"rows": 20, "columns": {"age": {"kind": "integer", "low": 18, "high": 90}}}},
}


@pytest.fixture
def people():
    ages = 18 + np.arange(200) % 60
    return pd.DataFrame({"sex": ["F", "M"] * 100, "age": ages, "income": 1000.0 + 30 * ages})


def test_every_public_name_is_there():
    """What `__all__` and `dir` promise can be had, and has a docstring."""
    assert set(la.__all__) == set(dir(la))
    for name in la.__all__:
        assert name == "__version__" or getattr(la, name).__doc__, name


def test_mimic_gives_back_the_kind_of_frame_that_came(people):
    """pandas in, pandas out; Arrow in, Arrow out; columns dicts are Arrow; the same seed gives the same rows."""
    made = la.mimic(people, n=50, seed=1)
    assert isinstance(made, pd.DataFrame)
    assert (list(made), len(made)) == (list(people), 50)
    assert made.equals(la.mimic(people, n=50, seed=1))
    assert la.mimic(pa.Table.from_pandas(people), n=7).num_rows == 7
    assert la.mimic({"a": [1, 2, 3, 4] * 10}).num_rows == 40


def test_mimic_reads_files_and_databases(people, tmp_path):
    """A path and a database URL are data, wherever data is taken."""
    people.to_csv(tmp_path / "p.csv", index=False)
    with closing(sqlite3.connect(tmp_path / "p.sqlite")) as base:
        people.to_sql("people", base, index=False)
    assert la.mimic(str(tmp_path / "p.csv"), n=5).column_names == ["sex", "age", "income"]
    assert la.mimic(tmp_path / "p.csv", n=5).num_rows == 5
    assert la.mimic(f"sqlite:///{tmp_path}/p.sqlite#people", n=5).num_rows == 5


def test_mimic_holds_conditions_and_refuses_impossible_ones(people):
    """`given` holds in every row; what no row can hold, an unknown column and a negative number are errors of ours."""
    assert set(la.mimic(people, n=30, given={"sex": "F"})["sex"]) == {"F"}
    for wrong in ({"given": {"sex": "X"}}, {"given": {"sx": "F"}}, {"n": -1}, {"synthesizer": "forst"}):
        with pytest.raises(LookalikeError):
            la.mimic(people, **{"n": 3, **wrong})


@pytest.mark.parametrize("data", [None, 3, "nowhere.csv", [1, 2]])
def test_what_is_no_data_is_said(data):
    """Neither a frame nor a readable path: a source error, not a surprise from within."""
    with pytest.raises(SourceError):
        la.mimic(data)


def test_fit_save_sample(people, tmp_path):
    """A fitted model draws frames, is saved, and draws a file of any known ending from its folder; a bad ending costs no work."""
    model = la.fit(people, seed=1)
    assert len(model.sample(12, seed=2)) == 12
    model.save(tmp_path / "m")
    for ending in ("csv", "parquet", "jsonl"):
        assert la.sample(tmp_path / "m", 10, tmp_path / f"ten.{ending}", given={"sex": "M"}) == 10
    assert set(pd.read_csv(tmp_path / "ten.csv")["sex"]) == {"M"}
    with pytest.raises(UsageError, match=r"\.foo"):
        la.sample(tmp_path / "m", 10, tmp_path / "ten.foo")
    with pytest.raises(LookalikeError):
        la.sample(tmp_path / "nowhere", 10, tmp_path / "ten.csv")


def test_evaluate_tells_good_from_bad(people):
    """A copy of the law scores above a shuffled one; the report is saved and loaded."""
    shuffled = people.assign(income=people["income"].sample(frac=1, random_state=1).to_numpy())
    good = la.evaluate(people, people.sample(frac=1, random_state=2), only="fidelity")
    bad = la.evaluate(people, shuffled, only="fidelity")
    assert good["pairs"].value > bad["pairs"].value + 0.1


def test_impute_fills_every_gap_and_nothing_else(people):
    """Gaps are filled, and what was known stays."""
    holes = people.copy()
    holes.loc[::7, "age"] = None
    filled = la.impute(holes, seed=1)
    assert filled["age"].notna().all()
    assert filled.loc[1:6].equals(people.loc[1:6].astype(filled.dtypes))
    assert (filled["age"][::7] - people["age"][::7]).abs().mean() < people["age"].std()


def test_a_recipe_is_loaded_planned_run_and_exported(tmp_path, monkeypatch):
    """From plain data, YAML text and objects alike; a run is a folder that any call can read again, and is not made twice."""
    monkeypatch.chdir(tmp_path)
    recipe = la.load(AGES)
    assert (
        recipe
        == la.Recipe(**AGES)
        == la.load("name: ages\nseed: 3\ntables: {people: {rows: 20, columns: {age: {kind: integer, low: 18, high: 90}}}}\n")
    )
    assert la.plan(recipe, rows=5).tables[0].n_rows == 5
    made = la.run(recipe)
    assert made.path.resolve() == tmp_path / "runs" / "ages"
    again = la.run(AGES, to="other")
    assert made.table("people").equals(again.table("people"))
    assert la.RunFolder(tmp_path / "runs/ages").table("people").num_rows == 20
    (path,) = la.export(made, to="parquet", path="out")
    assert pq.read_table(path)["age"].to_pylist() == made.table("people")["age"].to_pylist()
    with pytest.raises(UnknownKind, match="parquet"):
        la.export(made, to="parqet", path="out2")
    with pytest.raises(RunError):
        la.export("nowhere", to="csv", path="out3")


def test_problems_of_a_recipe_come_at_once():
    """`load`, `run` and `Recipe` tell the same problems."""
    bad = {**AGES, "seeed": 1, "tables": {"people": {"rows": "x", "columns": {}}}}
    told = []
    for call in (la.load, la.run, lambda data: la.Recipe(**data)):
        with pytest.raises(RecipeProblems) as caught:
            call(bad)
        told.append(sorted(problem.what for problem in caught.value.problems))
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == 2


def test_a_text_that_no_file_could_be_named_is_a_recipe_that_cannot_be_read():
    """A recipe on one line, where its path was expected, is said like any other file that is not there."""
    with pytest.raises(LookalikeError, match="cannot be read"):
        la.load(f"{{lookalike: 1, name: {'x' * 300}}}")


def test_set_overrides_parameters_and_paths():
    """`set` reaches parameters and dotted paths, and names what it cannot reach."""
    assert la.load(AGES, set={"tables.people.rows": "7"}).tables["people"].rows.n == 7
    with pytest.raises(RecipeProblems, match="rws"):
        la.load(AGES, set={"rws": "7"})


def test_new_writes_a_recipe_that_runs(people, tmp_path, monkeypatch):
    """The starter, and one from data, are checked as they stand; an existing file is never written over."""
    monkeypatch.chdir(tmp_path)
    people.to_csv("p.csv", index=False)
    for path in (la.new("shop"), la.new("mine", data="p.csv")):
        assert la.plan(path).tables
    with pytest.raises(UsageError, match="exists"):
        la.new("shop")


def test_kinds_lists_all_groups():
    """By group, with what recipes use most."""
    assert "normal" in la.kinds()["generator"]
    assert "forest" in la.kinds()["synthesizer"]


def test_tune_asks_for_a_prompt_column():
    """What is no prompt column is said before anything is asked."""
    with pytest.raises(LookalikeError, match="age"):
        la.tune(AGES, column="people.age", prompts=["x"])


def test_sample_gives_rows_when_no_file_is_named(people, tmp_path):
    """Without `to` the rows come back, in the kind of frame that was fitted, from a model in memory or on disk."""
    model = la.fit(people, synthesizer="independent")
    model.save(tmp_path / "m")
    rows = la.sample(model, 10, seed=1)
    assert isinstance(rows, pd.DataFrame)
    assert rows.equals(la.sample(tmp_path / "m", 10, seed=1))
    with pytest.raises(UsageError, match=r"saved model.*Synthesizer.load"):
        la.load(tmp_path / "m")


def test_what_people_write_is_understood(people):
    """A class is a synthesizer, 1e2 is a whole number, and numbered columns can be given."""
    numbered = people.rename(columns={"sex": 0, "age": 1})
    made = la.mimic(numbered, 1e2, synthesizer=la.Independent, given={0: "F"})
    assert len(made) == 100
    assert set(made[0]) == {"F"}


@pytest.mark.parametrize("kind", ["independent", "forest"])
def test_a_moment_is_given_in_its_columns_time_zone(kind):
    """A date without an offset is read as the frame shows its column: in the column's own zone."""
    when = pd.date_range("2024-03-01", periods=200, freq="6h", tz="Europe/Berlin")
    frame = pd.DataFrame({"when": when, "x": range(200)})
    made = la.mimic(frame, 30, synthesizer=kind, given={"when": {"min": "2024-04-01"}})
    assert made["when"].min() >= pd.Timestamp("2024-04-01", tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: la.Forest(tres=3), r"forest has no field 'tres'.*did you mean 'trees'"),
        (lambda: la.Forest(trees=0), r"trees: .*greater than or equal to 1.*lookalike kinds forest"),
        (lambda: la.Fair(target="x"), r"fair needs 'base'"),
    ],
)
def test_a_kind_made_in_python_says_what_does_not_fit(make, said):
    """Wrong fields are one error of ours that names the kind, the field and the fix."""
    with pytest.raises(UsageError, match=said):
        make()


def test_mimic_keeps_the_order_of_categories():
    """Ordered categories come back as such, and a condition from `mid` up gives mid and hi."""
    levels = pd.CategoricalDtype(["lo", "mid", "hi"], ordered=True)
    real = pd.DataFrame({"p": pd.Series(["lo", "mid", "hi"] * 60, dtype=levels), "x": range(180)})
    assert la.mimic(real, n=50, seed=0)["p"].dtype == levels
    assert set(la.mimic(real, n=50, given={"p": {"min": "mid"}}, seed=0)["p"]) == {"mid", "hi"}
