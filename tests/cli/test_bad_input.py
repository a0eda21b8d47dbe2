"""Bad input ends with one clear error and its documented exit code, never with a traceback."""

import os
import subprocess
import sys
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike import api
from lookalike.run.lock import locked


def lookalike(*args, cwd, env=None):
    code = "from lookalike.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        check=False, cwd=cwd, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200", **(env or {})},
    )  # fmt: skip


def unclear(done, exit_code, *words):
    """What a command's error lacks: its exit code, the word error, what is asked for; a traceback is one too many."""
    lacks = [word for word in ("error", *words) if word not in done.stderr]
    if done.returncode != exit_code:
        lacks.append(f"exit code {exit_code}, not {done.returncode}: {done.stdout}")
    return [*lacks, *(["no traceback"] if "Traceback" in done.stderr else []), *([done.stderr] if lacks else [])]


def recipe(columns, extra="", rows="5", name="shop"):
    return f"lookalike: 1\nname: {name}\nseed: 1\n{extra}tables:\n  t:\n    rows: {rows}\n    columns:\n" + "".join(
        f"      {line}\n" for line in columns
    )


FINE = "a: {kind: sequence, start: 1}"
ESCAPE = """a: {kind: template, template: "{{ ''.__class__.__mro__[1].__subclasses__() }}"}"""
RECIPES = {
    "kind": (recipe(["a: {kind: integr, low: 1, high: 2}"]), ("integr", "r.yaml:8", "integer")),
    "key": (recipe(["a: {kind: sequence, strat: 1}"]), ("strat", "r.yaml:8")),
    "cycle": (
        recipe(["a: {kind: expression, sql: b + 1}", "b: {kind: expression, sql: a + 1}"]),
        ("a", "b", "r.yaml"),
    ),
    "column": (recipe(['a: {kind: template, template: "{{ missing }}"}']), ("missing", "r.yaml:8")),
}


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_problems(tmp_path, name):
    """A recipe that cannot work ends `check` with code 2 and its place."""
    text, words = RECIPES[name]
    (tmp_path / "r.yaml").write_text(text)
    assert not unclear(lookalike("check", "r.yaml", cwd=tmp_path), 2, *words)


def test_sandbox(tmp_path):
    """A template that reaches for Python's insides runs nothing: a clear error, or failed rows with the reason."""
    (tmp_path / "r.yaml").write_text(recipe([ESCAPE]))
    done = lookalike("run", "r.yaml", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert "<class" not in done.stdout
    if done.returncode == 0:
        assert "unsafe" in str(api.preview(tmp_path / "r.yaml", rows=1)[0].dropped)
    else:
        assert not unclear(done, 2, "__")


SOURCES = {
    "missing": ("d.csv", None, 4),
    "empty": ("d.csv", b"", 4),
    "ragged": ("d.csv", b"a,b\n1,2\n3\n4,5,6\n", 4),
    "twice": ("d.csv", b"a,a\n1,2\n3,4\n", 4),
    "not parquet": ("d.parquet", b"nothing", 4),
}


@pytest.mark.parametrize("name", SOURCES)
def test_unreadable_sources(tmp_path, name):
    """Data that cannot be read ends with code 4 and the file's name."""
    file, content, code = SOURCES[name]
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert not unclear(lookalike("fit", file, "-o", "m", cwd=tmp_path), code, file)


def test_null_column_is_learned(tmp_path):
    """A column of nulls stays one of nulls."""
    pq.write_table(pa.table({"a": [1, 2, 3, 4] * 10, "b": pa.array([None] * 40, pa.string())}), tmp_path / "d.parquet")
    assert lookalike("fit", "d.parquet", "-o", "m", cwd=tmp_path).returncode == 0
    done = lookalike("sample", "m", "-n", "8", "-o", "s.parquet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "s.parquet")["b"].null_count == 8


def test_other_recipes_folder(tmp_path):
    """A run folder of another recipe is left as it is."""
    (tmp_path / "r.yaml").write_text(recipe([FINE]))
    (tmp_path / "o.yaml").write_text(recipe([FINE], name="other"))
    assert lookalike("run", "r.yaml", "-o", "out", "-q", cwd=tmp_path).returncode == 0
    assert not unclear(lookalike("run", "o.yaml", "-o", "out", cwd=tmp_path), 6, "shop", "other", "-o")


def test_two_runs_on_one_folder(tmp_path):
    """The second run names the first one's process."""
    (tmp_path / "r.yaml").write_text(recipe([FINE]))
    api.run(tmp_path / "r.yaml", tmp_path / "out")
    with locked(tmp_path / "out", "run"):
        assert not unclear(lookalike("run", "r.yaml", "-o", "out", cwd=tmp_path), 6, str(os.getpid()))


def test_unknown_command(tmp_path):
    """A mistyped command is answered with the nearest one."""
    assert not unclear(lookalike("rum", cwd=tmp_path), 2, "'rum'", "did you mean 'run'")


def test_missing_environment_variable(tmp_path):
    """A key that is not in the environment is named before anything is asked."""
    model = 'models:\n  m: {kind: openai, model: x, base_url: "http://127.0.0.1:9/v1", api_key: "${NOT_THERE_XYZ}"}\n'
    (tmp_path / "r.yaml").write_text(recipe(["a: {kind: prompt, model: m, prompt: hello}"], model))
    assert not unclear(lookalike("run", "r.yaml", cwd=tmp_path), 2, "NOT_THERE_XYZ", "r.yaml")


def test_path_outside_the_folder(tmp_path):
    """A relative path that leaves the recipe's folder is refused with code 4."""
    source = "sources:\n  s: {kind: file, path: ../../etc/secret.csv}\n"
    (tmp_path / "r.yaml").write_text(f"lookalike: 1\nname: shop\n{source}tables:\n  t: {{rows: {{from: s}}}}\n")
    assert not unclear(lookalike("check", "r.yaml", cwd=tmp_path), 4, "../../etc/secret.csv", "leaves the recipe's folder")


def test_parquet_of_odd_types(tmp_path):
    """Durations and maps are read and learned: nobody meets a traceback."""
    odd = {"a": [1, 2] * 20, "d": pa.array([timedelta(1)] * 40), "m": pa.array([[("k", 1)]] * 40, pa.map_("string", "int64"))}
    pq.write_table(pa.table(odd), tmp_path / "odd.parquet")
    done = lookalike("fit", "odd.parquet", "-o", "m", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_huge_cell(tmp_path):
    """A cell of 10 MB is read; the model that is saved stays small."""
    (tmp_path / "big.csv").write_text("a,b\n1," + "x" * 10_000_000 + "\n" + "2,y\n" * 30)
    done = lookalike("fit", "big.csv", "-o", "m", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sum(path.stat().st_size for path in (tmp_path / "m").iterdir()) < 1_000_000


def test_version_is_shown(tmp_path):
    """`--version` needs no command."""
    done = lookalike("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()[0]) == (0, "lookalike")


def test_kinds_show_whole_types(tmp_path):
    """A field's type is shown with what it holds; square brackets are no markup."""
    assert "list[str]" in lookalike("kinds", "prompt", cwd=tmp_path).stdout


MISTAKES = {
    "ending": (["-o", "s.foo"], ("'.foo'", "s.foo", ".parquet")),
    "rows": (["-o", "s.csv", "-n", "-3"], ("-3", "-n")),
    "given": (["-o", "s.csv", "--given", "a"], ("--given", "column=value")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_option_costs_no_work(tmp_path, name):
    """What is wrong in the options is said, by the option's own name, before anything is learned."""
    (tmp_path / "d.csv").write_text("a,b\n" + "1,2\n2,3\n" * 20)
    options, words = MISTAKES[name]
    done = lookalike("mimic", "d.csv", *options, cwd=tmp_path)
    assert not unclear(done, 2, *words)
    assert "learning" not in done.stdout


def test_a_path_out_of_the_folder_has_its_line(tmp_path):
    """A source's path that climbs out is named with file, line and column of the recipe."""
    text = recipe([FINE], extra="sources:\n  d: {kind: file, path: ../d.csv}\n", rows="{from: d}")
    (tmp_path / "r.yaml").write_text(text)
    done = lookalike("check", "r.yaml", cwd=tmp_path)
    assert not unclear(done, 4, "'../d.csv'", "r.yaml:5:25")


def test_fields_of_an_exporter_are_checked(tmp_path):
    """A field that it has not, a value of another shape, a URL where a file belongs: usage errors; one table needs no list."""
    (tmp_path / "r.yaml").write_text(recipe([FINE]))
    assert lookalike("run", "r.yaml", cwd=tmp_path).returncode == 0
    run = ("export", "runs/shop", "--to", "csv")
    assert not unclear(lookalike(*run, "-o", "x", "--set", "delimitr=;", cwd=tmp_path), 2, "delimitr", "delimiter")
    assert not unclear(lookalike(*run, "-o", "x", "--set", "tables=3", cwd=tmp_path), 2, "tables", "lookalike kinds csv")
    assert not unclear(lookalike(*run, "-o", "postgresql://me@localhost/x", cwd=tmp_path), 2, "csv has no field 'url'")
    assert lookalike(*run, "-o", "x", "--set", "tables=t", "--set", "delimiter=;", cwd=tmp_path).returncode == 0
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["t.csv"]
