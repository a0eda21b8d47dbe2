"""What every test shares: no network beyond this machine, threads that do not spin, a cache that tests may read."""

import os
import socket
import time

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "2")

_connect = socket.socket.connect


def _local(self, address):
    host = address[0] if isinstance(address, tuple) else ""
    if host not in ("", "localhost", "::1") and not str(host).startswith("127."):
        raise OSError(f"tests have no network: {host}")
    return _connect(self, address)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing leaves the machine."""
    monkeypatch.setattr(socket.socket, "connect", _local)


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
