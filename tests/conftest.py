"""What every test shares: no network beyond this machine, and no limit of time."""

import sys
import time

import pytest
from hypothesis import settings

settings.register_profile("whatever the machine does meanwhile", deadline=None)
settings.load_profile("whatever the machine does meanwhile")


def _stay_here(event, arguments):
    """Nothing leaves the machine: Python asks before any of its sockets connects."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if host not in ("", "localhost", "::1") and not host.startswith("127."):
            raise OSError(f"tests have no network: {host}")


sys.addaudithook(_stay_here)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def least_cpu():
    """CPU seconds of a call, the best of three: neighbours on the machine slow one, seldom all."""

    def measure(call):
        spent = []
        for _ in range(3):
            began = time.process_time()
            call()
            spent.append(time.process_time() - began)
        return min(spent)

    return measure
