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


def test_a_folder_of_the_user_alone_is_the_last_resort(monkeypatch, tmp_path):
    """Beside the package, in the user's cache, then among the temporary files where nobody else can open it."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    *others, private = kernel_cache.folders(tmp_path)
    assert others == [tmp_path / "__pycache__", tmp_path / "cache" / "lookalike"]
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_folder_that_others_may_write_is_not_used(tmp_path):
    """What lies in the folder is executed: one that somebody else opened, or a link, is left alone."""
    trap = tmp_path / f"lookalike-kernels-{os.getuid()}"
    trap.mkdir()
    trap.chmod(0o777)
    assert kernel_cache._private(tmp_path) is None
    trap.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    trap.symlink_to(tmp_path / "elsewhere")
    assert kernel_cache._private(tmp_path) is None
    assert kernel_cache._private(tmp_path / "nowhere") is None


def test_a_folder_that_is_named_is_the_only_one(monkeypatch, tmp_path):
    """`NUMBA_CACHE_DIR` decides, as it does for numba."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert list(kernel_cache.folders(tmp_path / "beside")) == [tmp_path]


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
    code = "import lookalike; print(lookalike.__file__); from lookalike.steps.hashed import ngram_counts as n; print(n(['a word'], 8))"
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code],
        env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    subprocess.run(["chmod", "-R", "u+w", tmp_path / "site"], check=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout


def test_a_user_without_a_home_has_no_cache(monkeypatch, tmp_path):
    """A number without an entry, as containers run: no error, and nothing is written into a folder called `~`."""
    for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda text: text)
    assert kernel_cache.user_cache("lookalike").is_relative_to(os.devnull)
    assert not any("~" in str(folder) for folder in kernel_cache.folders(tmp_path))
