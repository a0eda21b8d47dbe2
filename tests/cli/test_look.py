"""`lookalike look` shows what columns were taken for; every command takes the corrected file."""

import pandas as pd
from typer.testing import CliRunner

from lookalike.cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_look_fit_and_mimic_agree(tmp_path):
    """The file that `look` writes is taken by `look`, `fit` and `mimic`, and decides."""
    data, schema = tmp_path / "t.csv", tmp_path / "schema.yaml"
    pd.DataFrame({"area": [10_000 + 7 * i * i % 80_000 for i in range(60)], "x": range(60)}).to_csv(data, index=False)
    shown = run("look", data, "-o", schema)
    assert shown.exit_code == 0
    assert "area  integer" in shown.output
    schema.write_text("columns: {area: {semantic: category}}\n", encoding="utf-8")
    assert "area  category  the schema says so" in run("look", data, "--schema", schema).output
    made = run("mimic", data, "-o", tmp_path / "o.csv", "--schema", schema, "--no-evaluate", "--synthesizer", "copula")
    assert made.exit_code == 0, made.output
    assert "area  category" in made.output
    assert set(pd.read_csv(tmp_path / "o.csv").area) <= set(pd.read_csv(data).area)
    assert run("fit", data, "-o", tmp_path / "m", "--schema", schema, "--synthesizer", "copula").exit_code == 0
