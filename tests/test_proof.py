"""What a run is worth: every table that can be measured is, and every gate of the recipe decides."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike import api
from lookalike.cli import main
from lookalike.errors import RecipeProblems, SourceError
from lookalike.run.fit import learned_from
from lookalike.run.folder import RunFolder

SAID = {"kind": "scripted", "replies": ["The parcel came on time, and the driver was kind."]}


@pytest.fixture
def source(in_folder):
    draw = np.random.default_rng(0)
    texts = [
        f"Parcel {i} was {draw.choice(['late', 'torn', 'early'])}, and {draw.choice(['Ann', 'Bo'])} said so."
        for i in range(400)
    ]
    pq.write_table(
        pa.table({"a": draw.normal(size=400), "b": draw.integers(0, 5, 400), "text": texts}), in_folder / "real.parquet"
    )
    return {"real": {"kind": "file", "path": "real.parquet"}}


def measured(tables, gates=(), **parts):
    recipe = {"lookalike": 1, "name": "r", "tables": tables, "gates": list(gates), **parts}
    made = api.plan(api.load(recipe))
    return api.measure(made, api.make(made, "r"))


def command(*words):
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0


LEARNED = {"rows": {"like": "real", "n": 300, "synthesizer": {"kind": "independent"}}}
WRITTEN = {"rows": 40, "columns": {
    "n": {"kind": "sequence"},
    "text": {"kind": "prompt", "model": "m", "prompt": "Write about parcel {{ n }}."},
}}  # fmt: skip


def test_a_gate_may_name_its_table(source):
    """In a recipe of one learned table a gate with its name, one without and one that fails all decide."""
    gates = [
        {"metric": "marginals", "table": "t", "min": 0.5},
        {"metric": "validity", "min": 0.5},
        {"metric": "marginals", "table": "t", "min": 1.01},
    ]
    report = measured({"t": LEARNED}, gates, sources=source)
    assert [outcome.status for outcome in report.outcomes] == ["pass", "pass", "fail"]
    assert report.exit_code == 1


def test_every_learned_table_is_measured(source):
    """Two learned tables stand in one report, each under its name, and a gate decides on its own table alone."""
    gates = [{"metric": "marginals", "table": "two", "min": 1.01}]
    report = measured({"one": LEARNED, "two": LEARNED}, gates, sources=source)
    assert {result.table for result in report.results if result.metric == "marginals"} == {"one", "two"}
    assert [(outcome.table, outcome.status) for outcome in report.outcomes] == [("two", "fail")]


def test_rows_made_under_a_condition_are_held_against_rows_that_hold_it(source):
    """No synthetic row has b = 4, as asked, and that is no error; with hardly a real row that holds it nothing is measured."""
    report = measured({"t": {"rows": {**LEARNED["rows"], "given": {"b": [0, 1, 2, 3]}}}}, sources=source)
    assert report["marginals"].value > 0.9
    assert report.tables[""].rows["real"] < 300
    assert measured({"t": {"rows": {**LEARNED["rows"], "given": {"b": 3, "where": "a > 1.5"}}}}, sources=source) is None


def test_written_texts_are_measured_by_themselves(in_folder):
    """Without a source a report says what the texts say alone: they repeat each other; nothing is said about privacy or fidelity."""
    report = measured({"t": WRITTEN}, models={"m": SAID})
    assert report["near_duplicates"].value > 0.9
    assert report["near_duplicates"].ceiling is None
    assert "fidelity" not in report.verdicts
    assert report.verdicts.get("privacy") != "pass"
    assert (in_folder / "r" / "report.html").is_file()


def test_structured_replies_are_read_field_by_field(in_folder):
    """Texts inside a structured reply are read as texts, a judge's numbers as scores; labels are only said to be there."""
    replies = [f'{{"body": "Parcel {i} came on time and in one piece.", "stars": {i}}}' for i in range(5)]
    schema = {"type": "object", "properties": {"body": {"type": "string"}, "stars": {"type": "integer"}}, "required": ["body"]}
    text = {"kind": "prompt", "model": "m", "prompt": "Write.", "schema": schema}
    report = measured({"t": {"rows": 30, "columns": {"text": text}}}, models={"m": {"kind": "scripted", "replies": replies}})
    assert report.tables[""].columns == {"text.body": "text", "text.stars": "number"}
    stars = [reply["text"]["stars"] for reply in pq.read_table(in_folder / "r" / "tables" / "t").select(["text"]).to_pylist()]
    assert report["scores"].value == pytest.approx(np.mean(stars))
    assert len(report.tables[""].samples["text.body"]) == 3
    label = {"kind": "prompt", "model": "m", "prompt": "Write.", "choices": ["good", "bad"]}
    labels = measured({"u": {"rows": 3, "columns": {"x": label}}}, models={"m": {"kind": "scripted", "replies": ["good"]}})
    assert labels.exit_code == 0
    assert labels["failed_share"].value == 0.0


def test_what_a_model_writes_into_a_learned_table_is_measured(source):
    """A column of invented people in 300 learned rows: nothing real stands beside it, and it fails privacy by default."""
    reply = "Ann Lee, +44 20 7946 0958, ann.lee@post.com, card 4111 1111 1111 1111, came by."
    note = {"kind": "prompt", "model": "m", "prompt": "Write about {{ a }}."}
    tables = {"t": {**LEARNED, "columns": {"note": note}}}
    report = measured(tables, sources=source, models={"m": {"kind": "scripted", "replies": [reply]}})
    assert report["pii_count.written"].value == 900
    assert (report.verdicts["privacy"], report.verdicts["diversity"], report.exit_code) == ("fail", "fail", 1)
    assert "pii_count" in report.tables[""].looked["note"]
    assert report.about["synthesizer"] == "independent"
    assert report.making["calls"]["t.note"]["calls"] == 300


def test_rows_that_fail_are_a_gate(in_folder):
    """Every fourth reply is no JSON: the share of failed rows is measured, with the reason, and fails by default."""
    replies = ['{"n": 1}', '{"n": 2}', '{"n": 3}', "no"]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    column = {"kind": "prompt", "model": "m", "prompt": "{{ i }}", "schema": schema, "tries": 1}
    tables = {"t": {"rows": 80, "columns": {"i": {"kind": "sequence"}, "x": column}}}
    report = measured(tables, models={"m": {"kind": "scripted", "replies": replies}})
    failed = report["failed_share"]
    assert failed.value == pq.read_table(in_folder / "r" / "failures.parquet").num_rows / 80 > 0.1
    assert "most often" in failed.detail["reading"]
    assert report.verdicts["validity"] == "fail"


def test_a_table_is_held_against_the_source_it_names(source):
    """With `compare` the shared columns are measured: the texts copy nothing, and their topics are not the source's."""
    report = measured({"t": {**WRITTEN, "compare": "real"}}, models={"m": SAID}, sources=source)
    assert report["verbatim_overlap"].value == 0
    assert report["cluster_coverage"].value < 0.9
    assert report.tables[""].rows == {"real": 400, "synthetic": 40}


def test_a_gate_that_nothing_can_decide_is_told_before_the_run(source):
    """A gate on a table of drawn numbers, a source that is not there, one without a shared column, and one too many: each a problem."""
    drawn = {"rows": 5, "columns": {"x": {"kind": "uniform", "low": 0, "high": 1}}}
    problems = {
        "nothing of 'd' is measured": ({"d": drawn, "t": LEARNED}, [{"metric": "validity", "table": "d", "min": 1}]),
        "no table is measured": ({"d": drawn}, [{"metric": "validity", "min": 1}]),
        "there is no source 'rael'": ({"d": {**drawn, "compare": "rael"}}, []),
        "no column of 'real'": ({"d": {**drawn, "compare": "real"}}, []),
        "which it learns": ({"t": {**LEARNED, "compare": "real"}}, []),
    }
    for text, (tables, gates) in problems.items():
        with pytest.raises(RecipeProblems, match=text):
            measured(tables, gates, sources=source)


def test_a_run_of_drawn_numbers_has_no_report(in_folder):
    """There is nothing to hold it against; its card is written all the same."""
    assert measured({"d": {"rows": 5, "columns": {"x": {"kind": "uniform", "low": 0, "high": 1}}}}) is None
    assert (in_folder / "r" / "card.md").is_file()


@pytest.mark.parametrize(
    ("synthesizer", "said"),
    [
        ({"kind": "mst", "epsilon": 2.0}, "differential privacy with epsilon 2.0, delta 1e-06, unit: one row of real."),
        ({"kind": "mst", "noise": "seeded"}, "No differential privacy guarantee is claimed."),
        ({"kind": "independent"}, "No differential privacy guarantee is claimed."),
    ],
)
def test_the_card_claims_the_privacy_that_was_spent(source, in_folder, synthesizer, said):
    """Epsilon and delta of what was learned stand in the card; noise that the seed gives away promises nothing."""
    measured({"t": {"rows": {"like": "real", "n": 100, "synthesizer": synthesizer}}}, sources=source)
    assert said in (in_folder / "r" / "card.md").read_text(encoding="utf-8")


def test_a_source_that_is_used_otherwise_voids_the_claim(source, in_folder):
    """Rows that are taken as they are have no guarantee, whatever else was learned under one."""
    tables = {"t": {"rows": {"like": "real", "n": 100, "synthesizer": {"kind": "mst"}}}, "u": {"rows": {"from": "other"}}}
    measured(tables, sources={**source, "other": source["real"]})
    assert "No differential privacy guarantee is claimed." in (in_folder / "r" / "card.md").read_text(encoding="utf-8")


OTHERS = {
    "cells": (lambda table: table.set_column(0, "a", pa.array(np.zeros(400))), "other cells"),
    "rows": (lambda table: table.slice(0, 300), "300 rows, not 400"),
    "columns": (lambda table: table.rename_columns(["a", "c", "text"]), "no column 'b' and a new column 'c'"),
}


@pytest.mark.parametrize("change", sorted(OTHERS))
def test_other_data_than_were_learned_are_refused(source, in_folder, change):
    """A run is measured against what it learned from or not at all: what changed is named, and the report stays as it was."""
    measured({"t": LEARNED}, sources=source)
    before = (in_folder / "r" / "report.json").read_bytes()
    how, said = OTHERS[change]
    pq.write_table(how(pq.read_table("real.parquet")), "real.parquet")
    run = RunFolder(in_folder / "r")
    with pytest.raises(SourceError, match=said) as refused:
        api.measure(api.plan(run.path), run)
    assert "'real'" in refused.value.what
    assert (in_folder / "r" / "report.json").read_bytes() == before


def test_the_same_data_in_a_new_file_are_the_same(source, in_folder):
    """What counts is the content: a file that was written again is measured."""
    first = measured({"t": LEARNED}, sources=source)
    pq.write_table(pq.read_table("real.parquet"), "real.parquet", compression="zstd")
    run = RunFolder(in_folder / "r")
    assert api.measure(api.plan(run.path), run).dump()["results"] == first.dump()["results"]


def test_a_measured_run_is_shown_without_its_sources(source, in_folder, capsys):
    """`report` reads what was measured, from wherever the folder lies; `--measure` needs the source."""
    report = measured({"t": LEARNED}, sources=source)
    (in_folder / "real.parquet").unlink()
    moved = (in_folder / "r").rename(in_folder / "moved")
    assert api.report(RunFolder(moved)).dump() == report.dump()
    assert command("report", str(moved)) == 0
    assert "marginals" in capsys.readouterr().out
    assert command("report", str(moved), "--measure") == 4


def test_a_report_on_rows_that_are_no_more_is_gone(source, in_folder):
    """A run that is made anew from an edited recipe, and not measured, shows no figures of the old rows."""
    measured({"t": LEARNED}, sources=source)
    again = {"lookalike": 1, "name": "r", "seed": 1, "tables": {"t": LEARNED}, "sources": source}
    assert api.report(api.make(api.plan(again), "r")) is None


def test_a_run_says_what_it_learned_from(source, in_folder):
    """Source, columns, rows, seed and the held-out ones stand beside the model; a folder may move with its data."""
    measured({"t": LEARNED}, sources=source)
    [path] = (in_folder / "r" / "fitted").glob("*/learned.json")
    told = learned_from(path.parent)
    assert (told.source, told.columns, told.rows, told.seed) == ("real", ["a", "b", "text"], 400, 0)
    assert (told.holdout, told.synthesizer) == (0.2, "independent")
    assert 50 < told.held_out < 110
    assert str(in_folder) not in (in_folder / "r" / "plan.json").read_text()
