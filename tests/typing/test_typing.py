"""What the type checker accepts and refuses for users of the package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = """
from pathlib import Path
from lookalike import api

folder = api.run("recipe.yaml", Path("out"), rows=3)
paths: list[Path] = api.export(folder, to="csv", path="out.csv")
seen = api.preview("recipe.yaml", rows=2)
prompt: str = seen[0].calls[0].prompt
"""
BAD = {
    "rows as text": 'from lookalike import api\napi.run("recipe.yaml", rows="3")\n',
    "no such option": 'from lookalike import api\napi.preview("recipe.yaml", row=3)\n',
    "a number as recipe": "from lookalike import api\napi.plan(3)\n",
    "export without format": 'from lookalike import api\napi.export("out", path="x")\n',
}


@pytest.mark.slow
def test_snippets(tmp_path):
    """Right uses type-check under strict mypy, each wrong one is refused."""
    pytest.importorskip("mypy")
    (tmp_path / "good.py").write_text(GOOD)
    names = [f"bad_{number}.py" for number in range(len(BAD))]
    for name, text in zip(names, BAD.values(), strict=True):
        (tmp_path / name).write_text(text)
    # with our own settings: heavy libraries are not read, and what `make types` found out is used
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    command = [sys.executable, "-m", "mypy", *settings, "good.py", *names]
    path = {**os.environ, "MYPYPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, env=path)
    assert "good.py" not in done.stdout, done.stdout
    for name, what in zip(names, BAD, strict=True):
        assert f"{name}:2: error" in done.stdout, (what, done.stdout, done.stderr)
