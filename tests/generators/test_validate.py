"""Whether rows hold rules, and why not."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import RecipeError
from lookalike.generators.validate import Validate
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


def verdicts(body, columns, **context):
    batch = Batch(
        "t", np.arange(len(next(iter(columns.values())))), {name: pa.array(values) for name, values in columns.items()}
    )
    made = Validate.model_validate(body).generate(batch, Context(1, "t", "c", None, **context))
    assert [row["valid"] for row in made.to_pylist()] == [row["reason"] is None for row in made.to_pylist()]
    return [row["reason"] for row in made.to_pylist()]


def test_sql_rules():
    """A condition over the row; null counts as broken; the reason may be given."""
    body = {"sql": "out >= came"}
    assert verdicts(body, {"came": [1, 5, None], "out": [2, 4, 4]}) == [None, "not out >= came", "not out >= came"]
    assert verdicts({**body, "reason": "left early"}, {"came": [5], "out": [4]}) == ["left early"]


def test_json_schemas_on_structs_texts_and_values():
    """Structs and JSON texts alike; what is missing is named."""
    schema = {"type": "object", "required": ["icd10"], "properties": {"icd10": {"type": "string", "minLength": 3}}}
    body = {"column": "x", "json_schema": schema}
    good, short, missing, none = verdicts(body, {"x": ['{"icd10": "J45"}', '{"icd10": "J"}', "{}", None]})
    assert (good, none) == (None, "null")
    assert "icd10" in short
    assert "icd10" in missing
    assert verdicts(body, {"x": [{"icd10": "J45"}]}) == [None]
    assert verdicts({"column": "x", "json_schema": {"type": "integer", "minimum": 3}}, {"x": [5, 2]})[0] is None


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("python", "x = 1", "x ="),
        ("sql", "SELECT 1", "SELEC 1"),
        ("json", "[1]", "[1"),
        ("yaml", "a: 1", "a: ["),
        ("toml", "a = 1", "a ="),
        ("regex", "a+", "a("),
    ],
)
def test_languages_are_parsed(language, good, bad):
    """Text that parses is valid; the reason names the language."""
    found = verdicts({"column": "x", "language": language}, {"x": [good, bad, None]})
    assert (found[0], found[2]) == (None, "null")
    assert language in found[1].casefold()


def test_functions_need_permission_and_may_give_reasons():
    """True, false or a reason; without --allow-code nothing is loaded; a bug is named with its row."""
    body = {"callable": "operator:lt", "columns": []}
    with pytest.raises(RecipeError, match="allow-code"):
        verdicts(body, {"x": [1]})
    named = {"callable": "keyword:iskeyword", "columns": ["s"]}
    with pytest.raises(RecipeError, match="row 0"):
        verdicts(named, {"s": ["for"]}, allow_code=True)
    dated = {"callable": "calendar:isleap", "columns": ["year"]}
    assert verdicts(dated, {"year": [2024, 2023]}, allow_code=True) == [None, "calendar:isleap says no"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "exactly one of"),
        ({"sql": "a", "language": "sql", "column": "x"}, "exactly one of"),
        ({"language": "cobol", "column": "x"}, "'cobol' cannot be parsed"),
        ({"json_schema": {}}, "`column` goes with"),
        ({"sql": "a > 1", "columns": ["a"]}, "`columns` goes with callable"),
    ],
)
def test_rules_that_make_no_sense_are_named(body, said):
    """A problem of the recipe, before any row."""
    with pytest.raises(ValueError, match=said):
        Validate.model_validate(body)
