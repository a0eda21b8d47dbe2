import os
import subprocess
import sys

import pytest

from lookalike.errors import RunError
from lookalike.run.lock import locked


def test_a_second_run_on_a_folder_is_told_the_pid_of_the_first(tmp_path):
    """Two runs on one folder at the same time: one clear error with the other's pid."""
    with locked(tmp_path), pytest.raises(RunError, match=rf"pid {os.getpid()}"), locked(tmp_path):
        pass


def test_a_dead_process_holds_nothing(tmp_path):
    """A lock goes with its process, however that dies."""
    code = (
        f"from lookalike.run.lock import locked; import os, pathlib\nwith locked(pathlib.Path({str(tmp_path)!r})): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    with locked(tmp_path):
        assert (tmp_path / ".run.lock").read_text().strip() == str(os.getpid())


def test_shards_do_not_lock_each_other_out(tmp_path):
    """Each shard of a run has a lock of its own."""
    with locked(tmp_path, "shard-0-of-2"), locked(tmp_path, "shard-1-of-2"):
        assert sorted(path.name for path in tmp_path.glob(".*.lock")) == [".shard-0-of-2.lock", ".shard-1-of-2.lock"]
