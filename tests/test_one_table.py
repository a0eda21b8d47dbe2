"""`mimic` is a recipe of two lines: the same rows, report and folder, whichever way one asks."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lookalike as la
from lookalike import api
from lookalike.cli import main
from lookalike.errors import LookalikeError, UsageError
from lookalike.run.folder import RunFolder
from lookalike.sources.frame import Frame

g = np.random.default_rng(0)
REAL = pa.table(
    {
        "id": np.arange(1000, 1300),
        "sex": g.choice(["F", "M"], 300),
        "age": g.integers(18, 90, 300),
        "income": g.lognormal(10, 1, 300).round(2),
        "note": [f"Seen on day {i % 30}, came back with {g.choice(['cough', 'fever'])}." for i in range(300)],
    }
)


@pytest.fixture
def data(in_folder):
    pq.write_table(REAL, in_folder / "real.parquet")
    return "real.parquet"


def recipe(source, n=200, seed=5, **fields):
    rows = {"like": "s", "n": n, **fields}
    return {"name": "r", "seed": seed, "sources": {"s": source}, "tables": {"whatever": {"rows": rows}}}


@pytest.mark.parametrize("kind", ["forest", "independent"])
def test_mimic_and_a_recipe_give_the_same_rows(data, in_folder, kind):
    """From a frame, a file, the command and a recipe: equal data, seed and n are equal rows."""
    made = la.run(recipe({"kind": "file", "path": data}, synthesizer=kind), in_folder / "run").table("whatever")
    assert la.mimic(REAL, 200, synthesizer=kind, seed=5).equals(made)
    assert la.mimic(data, 200, synthesizer=kind, seed=5).equals(made)
    api.mimic_file(data, "made.parquet", n=200, synthesizer=kind, seed=5, measure=False)
    assert pq.read_table("made.parquet").replace_schema_metadata(None).equals(made)
    pandas = la.mimic(REAL.to_pandas(), 200, synthesizer=kind, seed=5)
    pd.testing.assert_frame_equal(pandas, made.to_pandas())


def test_conditions_hold_alike(in_folder):
    """Conditions, shares among them, give the same rows too."""
    given = {"sex": {"shares": {"F": 0.3}}, "age": {"min": 30}}
    made = la.run(recipe(Frame(data=REAL), synthesizer="copula", given=given), in_folder / "run").table("whatever")
    assert la.mimic(REAL, 200, synthesizer="copula", given=given, seed=5).equals(made)
    assert made["sex"].to_pylist().count("F") == 60


def test_a_run_is_kept_where_it_is_asked_for(data, in_folder, capsys):
    """`--run` leaves model, rows, report and card; the same command again learns nothing anew; without it nothing stays."""
    command = ["mimic", data, "-o", "out/made.csv", "-n", "120", "--synthesizer", "independent"]
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--run", "kept"])
        assert ended.value.code in (0, 1, 3, None)
    run = RunFolder(in_folder / "kept")
    assert [event["event"] for event in run.events()].count("fit") == 1
    assert all((run.path / name).is_file() for name in ("report.json", "card.md", "recipe.yaml", "manifest.json"))
    assert run.table(run.tables[0]).num_rows == 120
    assert "learning 2" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command, "--no-evaluate"])
    assert sorted(path.name for path in in_folder.iterdir()) == ["kept", "out", "real.parquet"]


def test_reports_are_those_of_the_run(data, in_folder):
    """The command measures what a run of the recipe measures."""
    report = api.mimic_file(data, "made.csv", n=200, synthesizer="independent", seed=5)
    made = api.plan(recipe({"kind": "file", "path": data}, synthesizer="independent"))
    told = api.measure(made, api.make(made, "run"))
    assert [(r.name, r.value, r.ceiling) for r in report.results] == [(r.name, r.value, r.ceiling) for r in told.results]


def test_what_cannot_be_made_is_said_before_the_work(data):
    """A target that is no column, fewer than no rows, an ending that nobody writes, a condition on nothing."""
    for wrong in ({"target": "agee"}, {"n": -1}):
        with pytest.raises(UsageError):
            api.mimic_file(data, "made.csv", **wrong)
    with pytest.raises(UsageError, match="xyz"):
        api.mimic_file(data, "made.xyz")
    with pytest.raises(LookalikeError, match="agee"):
        api.mimic_file(data, "made.csv", given={"agee": 3})


def test_no_rows_are_a_file_with_columns(data):
    """Nothing asked for is nothing, in the columns of the data."""
    api.mimic_file(data, "made.parquet", n=0, synthesizer="independent", measure=False)
    assert pq.read_table("made.parquet").column_names == REAL.column_names
