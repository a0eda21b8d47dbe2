"""Compiled kernels find a place where neither the package nor the home can be written."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import lookalike
from lookalike.kernels import cache as kernel_cache


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No place of numba's own can be written, and temporary files lie in `tmp_path`."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(kernel_cache, "PACKAGE", tmp_path / "no package")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    os.environ.pop("NUMBA_CACHE_DIR", None)


def test_a_folder_of_the_user_alone_is_made(nowhere):
    """Without a writable place kernels go to a folder among the temporary files that nobody else can open."""
    kernel_cache.settle()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent == nowhere
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert kernel_cache.cold()


def test_a_cache_that_nobody_may_look_into_is_not_used(nowhere, monkeypatch):
    """As root's home for another user: to ask for it is an error of the system, and not one of ours at import."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere / ("x" * 300)))
    assert kernel_cache.cold()
    kernel_cache.settle()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == nowhere


def test_a_folder_that_others_may_write_is_not_used(nowhere):
    """What lies in the folder is executed: one that somebody else opened is left alone."""
    trap = nowhere / f"lookalike-kernels-{os.getuid()}"
    trap.mkdir()
    trap.chmod(0o777)
    kernel_cache.settle()
    assert Path(os.environ["NUMBA_CACHE_DIR"]) != trap


def test_nothing_changes_where_numba_finds_a_place(monkeypatch):
    """A writable package or home is numba's own affair."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    kernel_cache.settle()
    assert "NUMBA_CACHE_DIR" not in os.environ


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("setpriv") or os.getuid() != 0, reason="needs root and setpriv to give rights up")
def test_a_read_only_installation_without_a_home_learns(tmp_path):
    """The package read-only, HOME read-only, as in a container: kernels compile and a step that needs them runs."""
    shutil.copytree(
        Path(lookalike.__file__).parent, tmp_path / "site" / "lookalike", ignore=shutil.ignore_patterns("__pycache__")
    )
    subprocess.run(["chmod", "-R", "a-w", tmp_path / "site"], check=True)
    bare = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}
    bare |= {"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path / "site"), "TMPDIR": str(tmp_path)}
    code = "import lookalike; print(lookalike.__file__); import lookalike.steps.hashed"
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code],
        env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    subprocess.run(["chmod", "-R", "u+w", tmp_path / "site"], check=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    """A number without an entry, as containers run: no error, and nothing is written into a folder called `~`."""
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda text: text)
    assert not kernel_cache._takes_files(kernel_cache.user_cache("numba"))
