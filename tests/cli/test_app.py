"""The program as a shell sees it: help, completion, what to do next."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lookalike as la

LOOKALIKE = str(Path(sys.executable).with_name("lookalike"))


def lookalike(*args, **environment):
    done = subprocess.run([LOOKALIKE, *args], capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("lookalike pre", ["preview"]),
        ("lookalike run --ro", ["--rows"]),
        ("lookalike models pu", ["pull"]),
        ("lookalike help pre", ["preview"]),
        ("lookalike nothing --ro", []),
    ],
)
def test_shells_complete_commands_and_options(typed, completed):
    """Commands, their options and commands of commands complete, and no error stands in a half-typed line; `--install-completion` sets it up."""
    _, said = lookalike(_LOOKALIKE_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(typed.count(" ")))
    assert said.split() == completed
    assert "--install-completion" in lookalike("--help")[1]


def test_help_is_a_command_too():
    """`lookalike help` and `lookalike help run` are what people type first."""
    assert lookalike("help") == lookalike("--help")
    assert lookalike("help", "run") == lookalike("run", "--help")


def test_new_says_what_comes_next(tmp_path):
    """The commands that `new` prints can be pasted into a shell and work, for odd names too."""
    path = tmp_path / "a b.yaml"
    _, said = lookalike("new", "ab", "-o", str(path))
    check = said.splitlines()[1].strip()
    assert check.startswith("lookalike check ")
    done = subprocess.run(check.replace("lookalike", LOOKALIKE, 1), shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("ok ")


def test_kinds_lists_a_group_with_what_each_is():
    """`lookalike kinds metrics` says every kind of the group in a sentence, also as JSON."""
    code, said = lookalike("kinds", "metrics", "--json")
    pages = json.loads(said)
    assert code == 0
    assert set(pages) == set(la.kinds()["metric"])
    assert all(pages.values())
    assert "dedup" in lookalike("kinds", "step")[1]


def test_an_error_after_work_is_the_last_word(tmp_path):
    """Nothing that the error held is reported as leaked when the process ends: the fix stays the last line that is read."""
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(60)))
    code, said = lookalike("mimic", str(tmp_path / "t.csv"), "-n", "5", "-o", str(tmp_path / "o.csv"), "--given", "b=z")
    assert code == 2
    assert said.splitlines()[-1].strip().startswith("fix its values")


def test_a_key_that_cannot_sign_is_told_before_the_run(tmp_path):
    """A missing signing key stops a run before it makes anything."""
    lookalike("new", "t", "-o", str(tmp_path / "t.yaml"))
    code, said = lookalike("run", str(tmp_path / "t.yaml"), "-o", str(tmp_path / "run"), "--sign", str(tmp_path / "no.pem"))
    assert code == 6
    assert "openssl genpkey" in said
    assert not (tmp_path / "run").exists()


def test_a_command_that_used_duckdb_ends_quietly(tmp_path):
    """A table is learned, drawn and measured; the last thing that is said is about it, not about DuckDB's objects."""
    pq.write_table(pa.table({"a": list(range(300)), "b": [2.5, 3.5, 7.0] * 100}), tmp_path / "in.parquet")
    code, said = lookalike("mimic", str(tmp_path / "in.parquet"), "-o", str(tmp_path / "out.parquet"))
    assert code in (0, 3), said  # of so few rows not every gate can be told
    assert "leaked" not in said
