"""The text pack: every recipe loads, and asks nothing that cannot be answered."""

from __future__ import annotations

import pytest

from lookalike.errors import UsageError
from lookalike.packs import pack_recipe, packs, tasks
from lookalike.recipe.load import load

TASKS = ("classification", "code", "dialogue", "instruction", "ner", "preference", "qa", "retrieval", "reviews", "rewrite",
         "sentiment", "summarisation", "translation")  # fmt: skip


def test_the_text_pack_has_all_tasks():
    """Thirteen tasks, by the names that the command line documents."""
    assert "text" in packs()
    assert set(TASKS) <= set(tasks("text"))


@pytest.mark.parametrize("task", TASKS)
def test_recipes_load(task):
    """A recipe is valid, needs no model but `default`, and its parameters can be set."""
    text = pack_recipe("text", task)
    recipe = load(text)
    assert not recipe.models
    assert recipe.parameters
    for table in recipe.tables.values():
        for column in table.columns.values():
            names = column.models() if hasattr(column, "models") else frozenset()
            assert names <= {"default"}


def test_unknown_packs_and_tasks_are_named():
    """A wrong name is an error with the nearest one."""
    with pytest.raises(UsageError, match="text"):
        pack_recipe("txt", "qa")
    with pytest.raises(UsageError, match="sentiment"):
        pack_recipe("text", "sentimnt")
    with pytest.raises(UsageError, match="choose one"):
        pack_recipe("text")
