"""Recipes: YAML and Python make one value, and every problem is found at once, with its place and its fix."""

import string

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lookalike.errors import RecipeProblems
from lookalike.generators.category import Category
from lookalike.generators.integer import Integer
from lookalike.generators.normal import Normal
from lookalike.generators.poisson import Poisson
from lookalike.generators.prompt import Prompt
from lookalike.generators.template import TemplateColumn
from lookalike.origins.children import Per
from lookalike.origins.count import Count
from lookalike.origins.design import Grid
from lookalike.origins.learned import Like
from lookalike.origins.real import From
from lookalike.recipe.load import dump, load
from lookalike.recipe.model import Budget, Recipe, Table
from lookalike.registry import kinds
from lookalike.sources.file import File
from lookalike.sources.frame import Frame
from lookalike.synthesizers.methods.independent import Independent

CLINIC = """\
lookalike: 1
name: clinic
seed: 7
parameters: {people: 50, city: Oslo}
sources:
  ward: {kind: file, path: ward.csv}
tables:
  patients:
    rows: $(people)
    key: id
    columns:
      id: {kind: sequence}
      insurer: {kind: category, values: {public: 0.7, private: 0.3}}
      note: {kind: prompt, prompt: "Visit in $(city): {{ insurer }}"}
    keep: ["insurer = 'public'"]
  visits:
    rows: {per: patients, count: {kind: poisson, mean: 3}}
    columns:
      cost: {kind: normal, mean: 100, sd: 10, low: 0}
budget: {usd: 5, tokens: 2_000_000}
"""


def problems(text, **options):
    with pytest.raises(RecipeProblems) as caught:
        load(text, **options)
    assert caught.value.exit_code == 2
    return caught.value.problems


def test_yaml_and_python_make_the_same_value():
    """What YAML says is what Python says."""
    assert load(CLINIC) == Recipe(
        name="clinic",
        seed=7,
        parameters={"people": 50, "city": "Oslo"},
        sources={"ward": File(path="ward.csv")},
        tables={
            "patients": Table(
                rows=50,
                key="id",
                columns={
                    "id": {"kind": "sequence"},
                    "insurer": Category(values={"public": 0.7, "private": 0.3}),
                    "note": Prompt(prompt="Visit in Oslo: {{ insurer }}"),
                },
                keep=("insurer = 'public'",),
            ),
            "visits": Table(rows=Per(per="patients", count=Poisson(mean=3)), columns={"cost": Normal(mean=100, sd=10, low=0)}),
        },
        budget=Budget(usd=5, tokens=2_000_000),
    )


def test_a_recipe_is_frozen():
    """A recipe is a value: it cannot be changed in place."""
    with pytest.raises(ValidationError, match="frozen"):
        load(CLINIC).seed = 8


@pytest.mark.parametrize(
    ("rows", "form"),
    [
        ("12", Count(n=12)),
        ("{n: 12}", Count(n=12)),
        ("{like: ward, n: 9, synthesizer: independent}", Like(like="ward", n=9, synthesizer=Independent())),
        ("{like: ward, n: 9, synthesizer: {kind: independent}}", Like(like="ward", n=9, synthesizer=Independent())),
        ("{from: ward, order: shuffle}", From(source="ward", order="shuffle")),
        ("{per: patients, count: 3}", Per(per="patients", count=3)),
        ("{grid: {a: [1, 2], b: [x]}, strength: 2}", Grid(grid={"a": (1, 2), "b": ("x",)}, strength=2)),
    ],
)
def test_rows_are_told_apart_by_their_key(rows, form):
    """A number, or a mapping with like, from, per or grid."""
    recipe = load(f"name: r\ntables:\n  t:\n    rows: {rows}\n    columns: {{c: {{kind: uuid}}}}\n")
    assert recipe.tables["t"].rows == form


def test_every_problem_is_told_at_once_with_place_and_fix():
    """Six mistakes, six problems, in the order of lines, each with line:column and a suggestion."""
    text = """\
name: clinic
sed: 7
tables:
  patients:
    rows: many
    columns:
      a: {kind: categry, values: [x]}
      b: {kind: category, valus: [x]}
      c: {kind: integer, low: one, high: 5}
    stps: []
"""
    found = [str(problem) for problem in problems(text)]
    assert len(found) == 7
    for line, wanted in zip(
        found,
        [
            ("recipe:2:1", "unknown key 'sed'", "did you mean 'seed'"),
            ("recipe:5:11", "rows", "many"),
            ("recipe:7:10", "unknown generator kind 'categry'", "did you mean 'category'"),
            ("recipe:8:10", "'values' is missing", "add `values:`"),
            ("recipe:8:27", "unknown key 'valus'", "did you mean 'values'"),
            ("recipe:9:31", "low", "one"),
            ("recipe:10:5", "unknown key 'stps'", "did you mean 'steps'"),
        ],
        strict=True,
    ):
        assert all(part in line for part in wanted), (line, wanted)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "x.yaml:1:1", "empty"),
        ("- a\n", "x.yaml:1:1", "a recipe is a mapping"),
        ("name: a\nname: b\ntables: {}\n", "x.yaml:2:1", "'name' is here twice (first on line 1)"),
        ("name: a\ntables:\n\tt: 1\n", "x.yaml:3:1", "spaces, not tabs"),
        ("name: {a\n", "x.yaml:2:1", "not YAML"),
        ("name: a\n? [x, y]\n: 1\n", "x.yaml:2:3", "a key is a list"),
        ("a: &a [*a]\n", "x.yaml:1", "unfolds without end"),
        ("name: ../x\ntables: {t: {rows: 1}}\n", "x.yaml:1:7", "name"),
        ("name: r\ntables: {}\n", "x.yaml:2:9", "at least 1"),
        ("lookalike: 2\nname: r\ntables: {t: {rows: 1}}\n", "x.yaml:1:12", "lookalike"),
        ("name: r\nsources: {t: {kind: file, path: a}}\ntables: {t: {rows: 1}}\n", "x.yaml:1:1", "both a table and a source"),
        ("name: r\ntables: {t: {rows: true}}\n", "x.yaml:2:20", "rows is a number"),
        ("name: r\ntables: {t: {rows: -1}}\n", "x.yaml:2:20", "greater than or equal to 0"),
        ("name: r\ntables: {t: {rows: {lik: a}}}\n", "x.yaml:2:20", "one of the keys from, grid, like or per"),
        ("name: r\ntables: {t: {rows: {like: a, n: 1, synthesizer: nonesuch}}}\n", "x.yaml:2:49", "unknown synthesizer kind"),
        ("name: r\ntables: {t: {rows: 1, columns: {c: {kind: function, path: a b}}}}\n", "x.yaml:2:59", "module:name"),
        ("name: r\ntables: {t: {rows: $(n)}}\n", "x.yaml:2:20", "no parameter 'n'"),
        ("name: r\nparameters: [a]\ntables: {t: {rows: 1}}\n", "x.yaml:2:13", "parameters"),
        ("name: r\nparameters: {a: [1]}\ndescription: x$(a)\ntables: {t: {rows: 1}}\n", "x.yaml:3:14", "is a list"),
        ("name: r\nparameters: {1: 2}\nseed: $(1)\ntables: {t: {rows: 1}}\n", "x.yaml:3:7", "no parameter '1'"),
        ("name: r\nmodels: [a]\ntables: {t: {rows: 1}}\n", "x.yaml:2:9", "models"),
        ("name: r\ntables: [a]\n", "x.yaml:2:9", "tables"),
        ("name: r\ntables: {t: [a]}\n", "x.yaml:2:13", "tables.t"),
        ("name: r\ntables: {t: {rows: 1, columns: [a]}}\n", "x.yaml:2:32", "columns"),
        ("name: r\n!!map models: {}\ntables: {t: {rows: 1}}\n", "x.yaml:2:", "!!map"),
        ("name: r\nmodels: !!map [a]\ntables: {t: {rows: 1}}\n", "x.yaml:2:9", "!!map"),
        ("name: r\nmodels: !!python/object/apply:os.getcwd []\ntables: {t: {rows: 1}}\n", "x.yaml:2:9", "plain data"),
        ("name: r\ndescription: !!binary aGk=\ntables: {t: {rows: 1}}\n", "x.yaml:2:14", "!!binary"),
        ("name: r\nseed: !!int abc\ntables: {t: {rows: 1}}\n", "x.yaml:2:7", "'abc' is no int"),
        ("name: r\nseed: !!bool maybe\ntables: {t: {rows: 1}}\n", "x.yaml:2:7", "'maybe' is no bool"),
        (f"name: r\ntables: {{t: {{rows: {'9' * 5000}}}}}\n", "x.yaml:2:20", "is no int"),
        ("name: r\nseed: 18446744073709551616\ntables: {t: {rows: 1}}\n", "x.yaml:2:7", "more than 64 bits"),
        ("a: &a [1]\nname: r\ntables: {<<: *a}\n", "x.yaml:", "not YAML"),
        ("name: r\ntables: {<<: 5}\n", "x.yaml:2:", "not YAML"),
        ("name: r\n\x00: 1\n", "x.yaml:2:1", "not YAML"),
    ],
)
def test_a_broken_recipe_says_where_and_what(tmp_path, text, place, said):
    """Each way to be no recipe has one clear error at its place."""
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(RecipeProblems) as caught:
        load(tmp_path / "x.yaml")
    assert any(p.where.endswith(place) or place in p.where for p in caught.value.problems), str(caught.value)
    assert said in str(caught.value)


def test_a_recipe_that_is_not_there_says_so(tmp_path):
    """A missing file and a file of another encoding."""
    with pytest.raises(RecipeProblems, match="No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "x.yaml").write_bytes(b"name: \xff\n")
    with pytest.raises(RecipeProblems, match="not UTF-8"):
        load(tmp_path / "x.yaml")


def test_scalars_mean_what_they_look_like():
    """Countries, clock times, postal codes and dates stay texts; numbers are numbers."""
    text = 'name: r\ntables: {t: {rows: {grid: {c: [no, on, 10:30, 02134, 2024-01-31, 1e3, 7, true, "7"]}}}}\n'
    assert list(load(text).tables["t"].rows.grid["c"]) == [
        "no",
        "on",
        "10:30",
        "02134",
        "2024-01-31",
        1000.0,
        7,
        True,
        "7",
    ]


def test_merge_keys_are_overridden_by_a_mappings_own():
    """`<<` brings defaults; the mapping's own keys win and are no doubles."""
    text = """\
name: r
tables:
  t:
    rows: 1
    columns:
      a: &base {kind: integer, low: 0, high: 9}
      b: {<<: *base, high: 5}
"""
    assert load(text).tables["t"].columns == {"a": Integer(low=0, high=9), "b": Integer(low=0, high=5)}


def test_parameters_keep_their_type_and_can_be_set():
    """`$(name)` alone takes the parameter's type; inside a text it becomes text; `$$(` is a plain `$(`."""
    text = 'name: r\nparameters: {n: 3, who: Ana}\ntables: {t: {rows: $(n), columns: {c: {kind: template, template: "$(who): $(n), $$(n) $5 ($x"}}}}\n'
    assert load(text).tables["t"].rows == Count(n=3)
    assert load(text).tables["t"].columns["c"].template == "Ana: 3, $(n) $5 ($x"
    assert load(text, set={"n": "5"}).tables["t"].rows == Count(n=5)
    assert load(text, set={"who": "Bo"}).tables["t"].columns["c"].template.startswith("Bo: 3")


def test_set_reaches_any_place_of_the_recipe():
    """A dotted path, positions of lists included; what does not exist is named with a suggestion."""
    assert load(CLINIC, set={"tables.patients.rows": "9"}).tables["patients"].rows == Count(n=9)
    assert load(CLINIC, set={"seed": "3"}).seed == 3
    assert load(CLINIC, set={"tables.patients.keep.0": "insurer IS NULL"}).tables["patients"].keep == ("insurer IS NULL",)
    assert "did you mean 'patients'" in str(problems(CLINIC, set={"tables.patient.rows": "9"})[0])
    assert "did you mean 'people'" in str(problems(CLINIC, set={"poeple": "9"})[0])
    assert "position of a list" in str(problems(CLINIC, set={"tables.patients.keep.4": "x"})[0])


def test_the_environment_is_not_read():
    """`${NAME}` stays as it is written, in the value and in what is saved."""
    text = 'name: r\nmodels: {w: {kind: openai, base_url: "${LLM_URL}", model: m, api_key: "${LLM_KEY}"}}\ntables: {t: {rows: 1, columns: {c: {kind: uuid}}}}\n'
    if "openai" not in kinds("model"):
        pytest.skip("no server models")
    recipe = load(text)
    assert "${LLM_KEY}" in dump(recipe)
    assert load(dump(recipe)) == recipe


def test_python_errors_are_those_of_a_file():
    """A bad recipe made in Python raises every problem at once, with the place, the value and the fix, as a file does."""
    with pytest.raises(RecipeProblems) as caught:
        Table(rows=1, columns={"c": {"kind": "category", "valus": [1]}})
    assert [problem.what for problem in caught.value.problems] == [
        "'values' is missing in columns.c",
        "unknown key 'valus' in columns.c",
    ]
    body = {"name": "x", "seeed": 1, "tables": {"t": {"rows": -1, "colums": {}}}}
    with pytest.raises(RecipeProblems) as made:
        Recipe(**body)
    with pytest.raises(RecipeProblems) as read:
        load(body)
    assert sorted(problem.what for problem in made.value.problems) == sorted(problem.what for problem in read.value.problems)
    assert {problem.fix.partition("?")[0] for problem in made.value.problems} >= {
        "did you mean 'seed'",
        "did you mean 'columns'",
    }


def test_a_frame_recipe_can_be_shown():
    """A frame has no text form: the text names it, and loading that text asks for the data."""
    recipe = Recipe(
        name="r",
        sources={"s": Frame(data=pa.table({"a": [1]}))},
        tables={"t": Table(rows=From(source="s"))},
    )
    with pytest.raises(RecipeProblems, match=r"'data' is missing in sources.s"):
        load(dump(recipe))


@pytest.mark.slow
def test_a_cell_of_ten_megabytes_in_a_recipe():
    """A huge text is read and written back."""
    text = "x" * 10_000_000
    recipe = load(f"name: r\ntables: {{t: {{rows: 1, columns: {{c: {{kind: constant, value: {text}}}}}}}}}\n")
    assert recipe.tables["t"].columns["c"].value == text


NAMES = st.text(string.ascii_letters + "_", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WEIGHTS = st.dictionaries(TEXTS.filter(str.strip), st.floats(0.1, 10), min_size=1, max_size=4)
COLUMNS = st.one_of(
    st.builds(lambda v: Category(values=v), WEIGHTS),
    st.builds(lambda v: Category(values=v), st.lists(TEXTS, min_size=1, max_size=4, unique=True)),
    st.builds(lambda low, size: Integer(low=low, high=low + size), st.integers(-(10**6), 10**6), st.integers(1, 100)),
    st.builds(lambda mean, sd: Normal(mean=mean, sd=sd), st.floats(-1e6, 1e6), st.floats(0.01, 1e6)),
    st.builds(lambda t: TemplateColumn(template=t), TEXTS.map(lambda t: t.replace("{", "(").replace("#", "$("))),
)
ROWS = st.one_of(
    st.builds(lambda n: Count(n=n), st.integers(0, 10**6)),
    st.builds(
        lambda g: Grid(grid=g),
        st.dictionaries(
            NAMES, st.lists(TEXTS | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3).map(tuple), min_size=1, max_size=3
        ),
    ),
)
TABLES = st.builds(
    lambda rows, columns, text: Table(rows=rows, columns=columns, description=text),
    ROWS,
    st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=4),
    TEXTS,
)
RECIPES = st.builds(
    lambda name, seed, tables, text: Recipe(name=name, seed=seed, tables=tables, description=text),
    NAMES,
    st.integers(-(2**40), 2**40),
    st.dictionaries(NAMES.map(lambda name: "t" + name), TABLES, min_size=1, max_size=3),
    TEXTS,
)


@settings(max_examples=60)
@given(RECIPES)
def test_writing_and_reading_a_recipe_gives_it_back(recipe):
    """`load(dump(recipe)) == recipe`, whatever its texts hold."""
    text = dump(recipe)
    assert load(text) == recipe
    assert dump(load(text)) == text
