"""What starting up may cost."""

import re
import resource
import subprocess
import sys
from importlib import metadata

import pytest

HEAVY = ("numpy", "pyarrow", "pandas", "torch", "sklearn", "numba", "scipy", "duckdb", "aiohttp", "faker", "pydantic", "jinja2")


def cpu_s(code: str) -> float:
    """CPU seconds of the best of three fresh interpreters."""
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


HELP = "import sys; sys.argv = ['lookalike', '--help']\nfrom lookalike.cli import main\nmain()"


@pytest.mark.parametrize(("code", "limit"), [("import lookalike", 0.15), (HELP, 0.25)])
def test_start_up(code, limit):
    """Importing takes at most 0.15 CPU seconds, the help at most 0.25, interpreter included."""
    assert cpu_s(code) <= limit


@pytest.mark.parametrize(
    "code", ["import lookalike", HELP.replace("main()", "\ntry:\n    main()\nexcept SystemExit:\n    pass")]
)
def test_nothing_heavy_is_imported(code):
    """Neither the import nor the help loads a heavy package."""
    tail = f"\nimport sys\nprint('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + tail], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]


RUN = """import sys
sys.argv = ["lookalike", "run", "r.yaml", "-o", "out", *{options!r}]
from lookalike.cli import main
try:
    main()
except SystemExit as done:
    assert not done.code, done.code
print("LOADED", *[name for name in {names!r} if name in sys.modules])"""
NEVER = ("polars", "torch", "sklearn", "scipy", "numba", "rich", "faker", "pyarrow.dataset", "lookalike.evaluate")


@pytest.mark.parametrize(
    ("column", "more"),
    [
        ("{kind: uniform, low: 0, high: 1}", ("duckdb", "aiohttp", "jinja2", "jsonschema_rs")),
        ("{kind: constant, value: {a: [1, 2]}}", ("duckdb", "aiohttp", "jinja2", "jsonschema_rs")),
        ('{kind: expression, sql: "n + 1"}', ("aiohttp", "jinja2", "jsonschema_rs")),
        (
            '{kind: prompt, model: m, prompt: "say {{ n }}"}',
            ("duckdb", "aiohttp", "jsonschema_rs", "sqlite3"),
        ),
    ],
)
def test_a_run_loads_what_it_uses(tmp_path, column, more):
    """No SQL: no DuckDB; no server: no HTTP; no terminal: no rich; nothing to measure: no evaluation."""
    columns = f"      n: {{kind: sequence, start: 0}}\n      x: {column}\n"
    models = "models: {m: {kind: scripted, replies: [word]}}\n"
    (tmp_path / "r.yaml").write_text(f"name: r\n{models}tables:\n  t:\n    rows: 20\n    columns:\n{columns}")
    options = ("--no-evaluate",) if "prompt" in column else ()  # what models write is measured
    command = [sys.executable, "-c", RUN.format(names=(*NEVER, *more), options=options)]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]
    assert "20" in done.stdout


def test_core_install_is_small():
    """The core install is at most 40 packages, itself not counted."""
    requirement = pytest.importorskip("packaging.requirements")
    name_of = lambda text: re.sub(r"[-_.]+", "-", text).lower()  # noqa: E731
    found: set[str] = set()
    todo = [("lookalike", "")]
    while todo:
        name, extra = todo.pop()
        for line in metadata.requires(name) or ():
            need = requirement.Requirement(line)
            if need.marker is not None and not need.marker.evaluate({"extra": extra}):
                continue
            if name_of(need.name) not in found:
                found.add(name_of(need.name))
                todo += [(need.name, ""), *((need.name, asked) for asked in need.extras)]
    assert {"numpy", "pyarrow", "typer"} <= found
    assert len(found) <= 40, sorted(found)
