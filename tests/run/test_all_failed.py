"""A run that has made nothing but failures."""

import pytest

from lookalike import api
from lookalike.cli import main
from lookalike.errors import ModelError
from lookalike.run.folder import RunFolder

RECIPE = """
lookalike: 1
name: void
models: {m: {kind: scripted, replies: [plain text]}}
tables:
  a:
    rows: 12
    columns:
      word: {kind: prompt, model: m, tries: 1, prompt: "a colour", checks: [{must_not: [plain]}]}
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path / "r.yaml"


def test_a_run_whose_every_row_failed_fails_with_the_reason(recipe, tmp_path, capsys):
    """`run` ends with the exit code of models, the most frequent reason and the file of all reasons; so do `report` and `export`."""
    folder = tmp_path / "out"
    for words in (["run", recipe, "-o", folder], ["report", folder], ["export", folder, "--to", "jsonl", "-o", tmp_path / "x"]):
        with pytest.raises(SystemExit) as done:
            main([str(word) for word in words])
        assert done.value.code == 5
        said = " ".join(capsys.readouterr().err.split())
        assert "every row of table 'a' failed (12)" in said
        assert "plain" in said
        assert "failures.parquet" in said
    assert RunFolder(folder).manifest["tables"]["a"]["outcomes"]["failed"] == 12
    with pytest.raises(ModelError, match="every row"):
        api.run(recipe, folder)


def test_a_share_of_failures_is_a_gate(recipe, tmp_path):
    """A recipe bounds the share of rows that may fail; a run beyond it fails by its gate."""
    text = RECIPE.replace("replies: [plain text]", "replies: [plain text, good one, good two]")
    recipe.write_text(text + "gates: [{metric: failed_share, max: 0.0}]\n")
    with pytest.raises(SystemExit) as done:
        main(["run", str(recipe), "-o", str(tmp_path / "out"), "-q"])
    assert done.value.code == 1
