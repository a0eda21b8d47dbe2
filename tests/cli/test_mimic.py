"""`lookalike mimic` stops when it is told to."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("at", ["learning", "drawing"])
def test_ctrl_c_leaves_nothing_half_written(tmp_path, at):
    """Interrupted while it learns or draws, it ends at once, says so without a traceback, and leaves no file."""
    from lookalike.packaged import cached

    if cached("flights.raw") is None:
        pytest.skip("package:flights is not fetched")
    command = [str(Path(sys.executable).with_name("lookalike")), "mimic", "package:flights", "-o", "out.csv", "-n", "20000000"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if at in line:
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        code = process.wait(60)
    assert code == 130
    assert "Traceback" not in rest
    assert not list(tmp_path.iterdir())
