"""What may be called how: names of any language, and the names that real tables have."""

import re

import pyarrow as pa
import pyarrow.csv as pc
import pytest

import lookalike as la
from lookalike.errors import RecipeProblems


def recipe(name="t", table="a", **columns):
    return {"name": name, "tables": {table: {"rows": 3, "columns": columns}}}


def test_columns_have_names_of_any_language(tmp_path):
    """Umlauts and other scripts name columns, in templates and SQL as well."""
    made = la.run(
        recipe(
            größe={"kind": "integer", "low": 5, "high": 5},
            日本={"kind": "template", "template": "{{ größe }} cm"},
            doppelt={"kind": "expression", "sql": "größe * 2"},
        ),
        tmp_path / "run",
    ).table("a")
    assert made["日本"].to_pylist() == ["5 cm"] * 3
    assert made["doppelt"].to_pylist() == [10] * 3


@pytest.mark.parametrize("name", ["می\u200cخواهم", "क्\u200dष", "👨\u200d👩\u200d👧", "Ein\u00adkommen"])
def test_joined_letters_are_names(name):
    """Joiners, which Persian and Hindi are written with, and soft hyphens are parts of a name."""
    columns = {name: {"kind": "integer", "low": 5, "high": 5}, "twice": {"kind": "expression", "sql": f'"{name}" * 2'}}
    assert name in la.plan(recipe(**columns)).recipe.tables["a"].columns
    with pytest.raises(RecipeProblems, match="is no name"):
        la.load(recipe(**{f"{name}\n": {"kind": "sequence"}}))


def test_a_learned_column_of_any_name_can_be_described_otherwise(tmp_path):
    """What a real table calls a column, a recipe can too."""
    pc.write_csv(pa.table({"age": list(range(200)), "Income ($/yr)": [1.5] * 200}), tmp_path / "real.csv")
    body = recipe(
        **{"Income ($/yr)": {"kind": "integer", "low": 7, "high": 7}}, **{"100%": {"kind": "expression", "sql": "age"}}
    )
    body["tables"]["a"]["rows"] = {"like": "real", "n": 5, "synthesizer": "independent"}
    body["sources"] = {"real": {"kind": "file", "path": str(tmp_path / "real.csv")}}
    made = la.run(body, tmp_path / "run").table("a")
    assert made["Income ($/yr)"].to_pylist() == [7] * 5
    assert made["100%"].to_pylist() == made["age"].to_pylist()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (recipe(name="täst"), "name is no name.*it names files"),
        (recipe(**{" x": {"kind": "sequence"}}), "no blank at either end"),
        (recipe(x={"type": "normal", "mean": 1}), "not `type:`: write {kind: normal"),
        (recipe(x="uuid"), "such as {kind: uuid}"),
        ({"name": "t", "tables": {"a": {"like": "real", "rows": 3}}}, "unknown key 'like'.*it belongs to the rows"),
        (
            "name: t\ntables:\n  a:\n    rows: 1\n    columns:\n      t: {kind: template, template: {{ x }}}\n",
            "template in quotes",
        ),
    ],
)
def test_what_people_write_first_is_answered_with_what_they_meant(body, said):
    """Names that cannot be, `type:` for `kind:`, a bare kind, keys of the rows beside them, braces without quotes."""
    with pytest.raises(RecipeProblems) as caught:
        la.load(body)
    assert any(re.search(said, str(problem)) for problem in caught.value.problems), caught.value
