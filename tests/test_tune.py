"""tune keeps the prompt that a judge and the checks prefer, and the old one when the difference is noise."""

from __future__ import annotations

import pytest

from lookalike import api
from lookalike.errors import UsageError
from lookalike.recipe.load import dump, load
from lookalike.tune import tune

RECIPE = {
    "lookalike": 1, "name": "t", "seed": 1,
    "models": {"m": {"kind": "scripted", "rules": {
        "What was written:[\\s\\S]*good": '{"quality": {"reason": "x", "score": 5}}', "What was written": '{"quality": {"reason": "x", "score": 2}}',
        "friendly": "a good text", "other words": "a bland text", "plain": "a dull text"}}},
    "tables": {"t": {"rows": 3, "columns": {
        "n": {"kind": "sequence"}, "text": {"kind": "prompt", "model": "m", "prompt": "plain {{ n }}"}}}},
}  # fmt: skip


def make(recipe, folder, rows):
    return api.run(recipe, to=folder, rows=rows)


def test_the_better_prompt_wins_and_is_saved(tmp_path):
    """A prompt whose texts the judge prefers is kept; the saved recipe has it and nothing else is changed."""
    recipe = load(RECIPE)
    tuned = tune(recipe, column="t.text", prompts=["be friendly {{ n }}", "other words {{ n }}"], rows=3, run=make)
    assert [variant.judge for variant in tuned.variants] == [2.0, 5.0, 2.0]
    assert tuned.best == 1
    tuned.save(tmp_path / "out.yaml")
    again = load(tmp_path / "out.yaml")
    assert again.tables["t"].columns["text"].prompt == "be friendly {{ n }}"
    assert set(again.tables["t"].columns) == {"n", "text"}
    assert "5.00" in str(tuned)


def test_the_old_prompt_stays_when_nothing_is_better():
    """Equal scores are no reason to change."""
    tuned = tune(load(RECIPE), column="t.text", prompts=["other words {{ n }}"], rows=3, run=make)
    assert tuned.best == 0


def test_wrong_columns_are_named():
    """A table or a column that is not there, or has no prompt, is an error with the near ones."""
    for column, near in (("x.text", "t"), ("t.txt", "text"), ("t.n", "text")):
        with pytest.raises(UsageError, match=near):
            tune(load(RECIPE), column=column, prompts=["a"], rows=1, run=make)
    with pytest.raises(UsageError, match="nothing to compare"):
        tune(load(RECIPE), column="t.text", prompts=[], rows=1, run=make)


def test_a_recipe_file_is_tuned_as_it_is_run(tmp_path):
    """Given a file, variants are made here, without anybody else's help."""
    path = tmp_path / "r.yaml"
    path.write_text(dump(load(RECIPE)))
    tuned = tune(path, column="t.text", prompts=["be friendly {{ n }}"], rows=2)
    assert tuned.variants[1].kept == 2
    assert tuned.best == 1
