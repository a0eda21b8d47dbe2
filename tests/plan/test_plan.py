"""Plans: order, stages, fingerprints, partitions and estimates, known before anything is spent."""

import random
import re

import pytest
import yaml

from lookalike.errors import RecipeProblems, SourceError
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.recipe.model import Recipe, Table

CLINIC = """\
name: clinic
seed: 7
sources:
  ward: {kind: file, path: ward.csv}
tables:
  patients:
    rows: 2500
    key: id
    columns:
      id: {kind: sequence}
      summary: {kind: prompt, prompt: "Summarise: {{ note }}"}
      note: {kind: prompt, prompt: "{{ sex }}, {{ tone }}"}
      tone: {kind: category, values: [dry, warm], hidden: true}
      sex: {kind: category, values: [F, M]}
      words: {kind: expression, sql: "length(note)"}
      shout: {kind: expression, sql: "upper(note)"}
      echo: {kind: prompt, prompt: "{{ shout }}", when: "sex = 'F'"}
    keep: ["words > 3"]
  visits:
    rows: {per: patients, count: {kind: poisson, mean: 3}}
    columns:
      cost: {kind: normal, mean: 100, sd: 10}
      label: {kind: template, template: "{{ patients.sex }} {{ cost }}"}
"""


def planned(text, root, **options):
    return compile_plan(load(text), root, **options)


def found(text, root, **options):
    with pytest.raises(RecipeProblems) as caught:
        planned(text, root, **options)
    return "\n".join(str(problem) for problem in caught.value.problems)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "ward.csv").write_text("age,sex\n31,F\n44,M\n52,F\n")
    return tmp_path


def test_each_column_is_made_after_what_it_needs(root):
    """The order is topological, whatever the order in the recipe; output keeps the recipe's order without hidden columns."""
    table = planned(CLINIC, root).table("patients")
    place = {name: number for number, name in enumerate(table.order)}
    assert all(place[other] < place[name] for name in table.order for other in table.needs[name])
    assert set(table.order) == set(table.table.columns)
    assert table.columns == ("id", "summary", "note", "sex", "words", "shout", "echo")


def test_columns_are_made_before_between_or_after_model_calls(root):
    """Blocks first, then row by row level by level, then blocks that hang on answers and that no call needs."""
    stages = planned(CLINIC, root).table("patients").stages
    assert stages.early == ("id", "tone", "sex")
    assert stages.levels == (("note",), ("summary", "shout"), ("echo",))
    assert stages.late == ("words",)


def test_parents_are_made_before_children(root):
    """Tables come in making order; a child has its parent's id and reads its row by the table's name."""
    plan = planned(CLINIC, root)
    assert [table.name for table in plan.tables] == ["patients", "visits"]
    child = plan.table("visits")
    assert (child.parents, child.n_rows, child.n_expected) == (("patients",), None, 7500)
    assert child.columns == ("patients_id", "cost", "label")
    assert child.needs["label"] == {"patients", "cost"}


@pytest.mark.parametrize(("rows", "n", "columns"), [
    ("{from: ward}", 3, ("age", "sex", "c")),
    ("{from: ward, n: 2}", 2, ("age", "sex", "c")),
    ("{like: ward, n: 9, synthesizer: independent}", 9, ("age", "sex", "c")),
    ("{grid: {a: [1, 2], b: [x, y, z]}}", 6, ("a", "b", "c")),
    ("{grid: {a: [1, 2], b: [x, y, z]}, repeat: 2}", 12, ("a", "b", "c")),
])  # fmt: skip
def test_rows_bring_their_columns(root, rows, n, columns):
    """Real, learned and designed rows bring columns along, before those that are made."""
    table = planned(
        f"name: r\nsources: {{ward: {{kind: file, path: ward.csv}}}}\ntables: {{t: {{rows: {rows}, columns: {{c: {{kind: uuid}}}}}}}}\n",
        root,
    ).table("t")
    assert (table.n_rows, table.columns) == (n, columns)


def test_partitions_cover_the_rows_once(root):
    """Ranges are contiguous, of the asked size, and end at the number of rows."""
    table = planned(CLINIC, root).table("patients")
    assert table.partitions() == [(0, 1000), (1000, 2000), (2000, 2500)]
    assert planned(CLINIC, root, partition_rows=2500).table("patients").partitions() == [(0, 2500)]
    assert planned(CLINIC, root, rows=5).table("patients").partitions() == [(0, 5)]


def test_a_column_has_another_fingerprint_when_it_or_its_inputs_change(root):
    """An edit reaches the column and what hangs on it, and nothing else."""
    before = planned(CLINIC, root).table("patients").fingerprints
    after = planned(CLINIC.replace("values: [F, M]", "values: [F, M, X]"), root).table("patients").fingerprints
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"sex", "note", "summary", "words", "shout", "echo"}
    seeded = planned(CLINIC.replace("seed: 7", "seed: 8"), root).table("patients").fingerprints
    assert all(before[name] != seeded[name] for name in before)


def test_other_data_changes_what_is_learned_from_it(root):
    """A changed source changes the fitted model's fingerprint and the columns that rows bring."""
    text = "name: r\nsources: {ward: {kind: file, path: ward.csv}}\ntables: {t: {rows: {like: ward, n: 9, synthesizer: independent}, columns: {c: {kind: uuid}}}}\n"
    before = planned(text, root).table("t")
    (root / "ward.csv").write_text("age,sex\n31,F\n44,M\n52,F\n99,F\n")
    after = planned(text, root).table("t")
    assert before.fit != after.fit
    assert before.fingerprints["age"] != after.fingerprints["age"]
    assert before.fingerprints["c"] == after.fingerprints["c"]


def test_how_a_model_is_reached_is_no_part_of_a_fingerprint(root):
    """Another concurrency or key asks nothing again; another model does."""
    text = 'name: r\nmodels: {w: {kind: openai, base_url: "http://localhost:1", model: a, concurrency: 3}}\ntables: {t: {rows: 1, columns: {c: {kind: prompt, model: w, prompt: hi}}}}\n'
    print_of = lambda text: planned(text, root).table("t").fingerprints["c"]  # noqa: E731
    assert print_of(text) == print_of(text.replace("concurrency: 3", "concurrency: 9"))
    assert print_of(text) != print_of(text.replace("model: a", "model: b"))


def test_the_order_of_columns_in_the_recipe_changes_no_fingerprint(root):
    """Shuffled columns give each the same fingerprint: the order is worked out, not read."""
    data = yaml.safe_load(CLINIC)
    before = {name: dict(t.fingerprints) for name, t in ((t.name, t) for t in compile_plan(load(data), root).tables)}
    for seed in range(5):
        for table in data["tables"].values():
            columns = list(table["columns"].items())
            random.Random(seed).shuffle(columns)
            table["columns"] = dict(columns)
        plan = compile_plan(load(data), root)
        assert plan.table("patients").fingerprints == before["patients"]
        place = {name: number for number, name in enumerate(plan.table("patients").order)}
        assert all(place[other] < place[name] for name in place for other in plan.table("patients").needs[name])


def test_the_same_recipe_has_the_same_plan(root):
    """Text, JSON and Mermaid are equal for equal recipes."""
    one, two = planned(CLINIC, root), planned(CLINIC, root)
    assert (one.json(), one.explain(), one.mermaid()) == (two.json(), two.explain(), two.mermaid())


def test_calls_tokens_and_money_are_estimated(root):
    """Calls are cells times calls a cell; money is tokens times price, and unknown without a price."""
    text = 'name: r\nmodels: {w: {kind: openai, base_url: "http://localhost:1", model: a, %s}}\ntables: {t: {rows: 200, columns: {c: {kind: prompt, model: w, prompt: hi}}}}\n'
    priced = planned(text % "price: {input: 1, output: 2}", root).estimate
    assert priced.calls == 200
    assert priced.usd == pytest.approx((priced.prompt_tokens + 2 * priced.completion_tokens) / 1e6)
    unknown = planned(text % "concurrency: 5", root)
    assert unknown.estimate.usd is None
    assert "unknown" in unknown.explain()
    assert unknown.estimate.seconds > planned(text % "concurrency: 50", root).estimate.seconds


def test_a_plan_without_models_costs_nothing(root):
    """No model column: no calls, and the text says so."""
    plan = planned("name: r\ntables: {t: {rows: 5, columns: {c: {kind: uuid}}}}\n", root)
    assert plan.estimate.calls == 0
    assert "no model calls" in plan.explain()


def test_the_text_tells_order_partitions_calls_and_assumptions(root):
    """A person reads rows, partitions, what is made when, how many calls, and what was assumed."""
    text = planned(CLINIC, root).explain()
    for part in (
        "patients: 2,500 rows in 3 partitions",
        "in blocks      id, tone, sex",
        "note: 2,500 to default",
        "assumed",
        "visits: rows for each of patients",
    ):
        assert part in text
    chart = planned(CLINIC, root).mermaid()
    assert chart.startswith("flowchart LR")
    assert "patients__sex --> patients__note" in chart
    assert "patients --> visits" in chart


def test_all_mistakes_of_meaning_are_told_at_once(root, monkeypatch):
    """Names, models, sources, tables, environment, code and gates: each has its line and a suggestion."""
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    text = """\
name: r
models: {w: {kind: openai, base_url: "http://localhost:1", model: m, api_key: "${NO_SUCH_KEY}"}}
sources: {ward: {kind: file, path: ward.csv}}
tables:
  t:
    rows: {from: wrd}
    columns: {c: {kind: uuid}}
  u:
    rows: 3
    key: idd
    columns:
      id: {kind: sequence}
      a: {kind: template, template: "{{ idx }}"}
      b: {kind: prompt, model: writer, prompt: hi}
      c: {kind: lookup, source: ward, column: agee}
      d: {kind: function, path: "os:getcwd"}
      e: {kind: uuid, when: "ide > 1"}
    keep: ["id > 1", "ids > 1", "id >"]
  v:
    rows: {per: uu, count: 2}
gates:
  - {metric: identical_shar, max: 0.1}
  - {metric: identical_share, table: w, max: 0.1}
"""
    lines = found(text, root)
    for place, said in [
        ("recipe:2:13", "no NO_SUCH_KEY"),
        ("recipe:6:18", "did you mean 'ward'"),
        ("recipe:10:10", "did you mean 'id'"),
        ("recipe:13:10", "uses 'idx'"),
        ("recipe:14:32", "no model 'writer'"),
        ("recipe:15:10", "did you mean 'age'"),
        ("recipe:16:10", "--allow-code"),
        ("recipe:17:29", "'ide'"),
        ("recipe:18:22", "'ids'"),
        ("recipe:18:33", "id >"),
        ("recipe:20:17", "did you mean 'u'"),
        ("recipe:22:14", "did you mean 'identical_share'"),
        ("recipe:23:38", "no table 'w'"),
    ]:
        assert any(line.startswith(place + ":") and said in line for line in lines.split("\n")), (place, said, lines)


@pytest.mark.parametrize(("columns", "cycle"), [
    ("{a: {kind: template, template: '{{ b }}'}, b: {kind: expression, sql: a}}", "a -> b -> a|b -> a -> b"),
    ("{a: {kind: template, template: '{{ a }}'}}", "a -> a"),
    ("{a: {kind: uuid, when: 'b IS NULL'}, b: {kind: template, template: '{{ c }}'}, c: {kind: template, template: '{{ a }}'}}", "->.*->.*->"),
])  # fmt: skip
def test_a_cycle_is_named(root, columns, cycle):
    """Columns that hang on each other are told as a circle; `when` counts."""
    assert re.search(cycle, found(f"name: r\ntables: {{t: {{rows: 1, columns: {columns}}}}}\n", root))


def test_a_design_that_cannot_be_made_has_its_place(root):
    """What is wrong with a grid is told with the other problems."""
    text = "name: r\ntables: {t: {rows: {grid: {a: [1]}, exclude: ['a = 1']}}, u: {rows: 1}}\n"
    lines = found(text, root).split("\n")
    assert lines[0].startswith("recipe:2:20:")
    assert "table 'u' has no columns" in lines[1]


def test_tables_in_a_circle_are_named(root):
    """Parents of each other: the circle is told."""
    text = "name: r\ntables: {a: {rows: {per: b, count: 1}}, b: {rows: {per: a, count: 1}}}\n"
    assert "in a circle" in found(text, root)


def test_names_that_sql_cannot_tell_apart_are_refused(root):
    """`Age` and `age` are one name in SQL; a child cannot take its parent's name."""
    assert "differ in case alone" in found(
        "name: r\ntables: {t: {rows: 1, columns: {Age: {kind: uuid}, age: {kind: uuid}}}}\n", root
    )
    text = "name: r\ntables: {p: {rows: 1, columns: {c: {kind: uuid}}}, t: {rows: {per: p, count: 1}, columns: {p: {kind: uuid}}}}\n"
    assert "taken by the parent" in found(text, root)


def test_a_broken_source_alone_is_an_error_of_the_source(root):
    """Only the data is wrong: exit code 4; with other mistakes all are told together, and no column is blamed wrongly."""
    text = "name: r\nsources: {s: {kind: file, path: none.csv}}\ntables: {t: {rows: {from: s}, columns: {c: {kind: template, template: '{{ age }}'}}, keep: [%s]}}\n"
    with pytest.raises(SourceError, match=r"none\.csv"):
        planned(text % "age > 1", root)
    lines = found(text % "age >", root)
    assert "none.csv" in lines
    assert "age >" in lines
    assert "does not have" not in lines


def test_a_source_outside_the_folder_is_refused(root):
    """A recipe's relative path stays under its folder."""
    text = "name: r\nsources: {s: {kind: file, path: ../x.csv}}\ntables: {t: {rows: {from: s}}}\n"
    with pytest.raises(SourceError, match="leaves the recipe's folder"):
        planned(text, root)


def test_code_runs_only_when_allowed(root):
    """`kind: function` is accepted with allow_code."""
    text = "name: r\ntables: {t: {rows: 1, columns: {c: {kind: function, path: 'os:getcwd'}}}}\n"
    assert "--allow-code" in found(text, root)
    assert planned(text, root, allow_code=True).table("t").order == ("c",)


def test_the_default_model_always_exists(root):
    """A prompt that names no model is planned without any `models:`."""
    plan = planned("name: r\ntables: {t: {rows: 1, columns: {c: {kind: prompt, prompt: hi}}}}\n", root)
    assert list(plan.models_used()) == ["default"]


def test_problems_of_a_python_recipe_name_the_path(root):
    """Without a text, the place is the dotted path."""
    recipe = Recipe(name="r", tables={"t": Table(rows=1, columns={"c": {"kind": "template", "template": "{{ x }}"}})})
    with pytest.raises(RecipeProblems, match=r"recipe\.tables\.t\.columns\.c: column 'c' uses 'x'"):
        compile_plan(recipe, root)


FIELDS = """
name: x
models: {m: {kind: scripted}}
tables:
  t:
    rows: 3
    columns:
      who: {kind: person}
      score: {kind: judge, model: m, prompt: "{{ who.first_name }}", scores: {correct: "1 ... 5"}}
      note: {kind: prompt, model: m, prompt: "{{ score.reasons.correct }} {{ row['score'].correct }} {{ score.items() }}"}
      ok: {kind: validate, sql: "score.CORRECT > 1"}
      place: {kind: lookup, source: s, column: [zip, town]}
    keep: ["score.correct >= 2", "ok.valid"]
  c:
    rows: {per: t, count: 2}
    columns:
      label: {kind: template, template: "{{ t.note }} {{ t.who.first_name }}"}
sources: {s: {kind: file, path: s.csv}}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "who"),
    [
        ("score.correct >= 2", "score.corect >= 2", "the condition"),
        ('"ok.valid"', '"ok.vald"', "the condition"),
        ('prompt: "{{ who.first_name }}"', 'prompt: "{{ who.frist_name }}"', "column 'score'"),
        ("row['score'].correct", "row['score'].corect", "column 'note'"),
        ('sql: "score.CORRECT > 1"', 'sql: "score.corect > 1"', "column 'ok'"),
        ("{kind: person}", '{kind: person, when: "place.twon = 1"}', "`when` of column 'who'"),
        ("t.note", "t.notes", "column 'label'"),
    ],
)
def test_fields_inside_cells_are_known_before_the_run(tmp_path, right, wrong, who):
    """Scores of a judge, verdicts, persons, looked-up columns, a parent's row: a field that is not there is named with the nearest."""
    (tmp_path / "s.csv").write_text("zip,town\n1,a\n")
    compile_plan(load(FIELDS), tmp_path)
    with pytest.raises(RecipeProblems) as error:
        compile_plan(load(FIELDS.replace(right, wrong)), tmp_path)
    [problem] = error.value.problems
    assert problem.what.startswith(who)
    assert "did you mean" in problem.fix
    assert re.match(r"recipe:\d+:\d+", problem.where)


HIDING = """
name: r
tables:
  people:
    rows: 3
    columns:
      age: {kind: integer, low: 1, high: 9}
      h: {kind: integer, low: 1, high: 9, hidden: true}
  visits:
    rows: {per: people, count: 2}
    columns:
      a: {kind: template, template: "WHAT"}
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% if people['agee'] > 3 %}x{% endif %}", "uses 'people.agee', a field that 'people'"),
        ("{{ people.agee }}", "uses 'people.agee', a field that 'people' of 'visits' does not have. did you mean 'people.age'"),
    ],
)
def test_check_sees_into_the_parents_row(text, said):
    """A child that reads what its parent has not is found before the run."""
    with pytest.raises(RecipeProblems, match=re.escape(said)):
        compile_plan(load(HIDING.replace("WHAT", text)))


def test_what_the_parent_has_may_be_read():
    """Fields that are there, hidden ones too, texts that only look like fields, and conditions on the parent are fine."""
    for text in ("{{ people.age }}", "{{ people.h }}", "people.x is a place", "{{ people_id }}"):
        compile_plan(load(HIDING.replace("WHAT", text)))
    compile_plan(load(HIDING + '    keep: ["people.age > 1"]\n'))
    with pytest.raises(RecipeProblems, match=r"the condition uses .people\.hh., a field"):
        compile_plan(load(HIDING + '    keep: ["people.hh > 1"]\n'))
    with pytest.raises(RecipeProblems, match="the count reads 'hh'"):
        compile_plan(load(HIDING.replace("count: 2", "count: {kind: expression, sql: hh}")))
