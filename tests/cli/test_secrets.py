"""What a command prints never holds a key, whatever a server says."""

import os
import subprocess
import sys

import pytest
from aiohttp import web

from lookalike.testing.server import ModelServer

KEY, HEADER = "sk-canary-7781", "header-canary-7782"
TEXT = """
name: secret
models:
  m:
    kind: openai
    base_url: "{url}"
    model: test
    api_key: "${{CANARY_KEY}}"
    headers: {{X-Token: "${{CANARY_HEADER}}"}}
    retries: 1
tables:
  a:
    rows: 2
    columns: {{note: {{kind: prompt, model: m, prompt: hello}}}}
"""
RUN = "from lookalike.cli import main; main()"


def spoken(status):
    """A server that says with this status all that it was told."""

    async def answer(server: ModelServer, request: web.Request, body: dict) -> web.StreamResponse:
        said = f"{request.headers['Authorization']} and {request.headers['X-Token']} are not what I like"
        return web.json_response({"error": {"message": said}}, status=status)

    return answer


@pytest.mark.parametrize(
    ("status", "options", "code"),
    [(401, (), 5), (401, ("--json",), 5), (400, (), 5), (400, ("--json",), 5), (500, (), 5)],
)
def test_neither_terminal_nor_folder_holds_a_key(status, options, code, tmp_path):
    """Closed at once, refused or failing: what the server said is told, and the key and the header are left out of it."""
    (environment := dict(os.environ)).update(CANARY_KEY=KEY, CANARY_HEADER=HEADER)
    with ModelServer(always=spoken(status)) as server:
        (tmp_path / "r.yaml").write_text(TEXT.format(url=server.url))
        command = [sys.executable, "-c", RUN, "run", "r.yaml", "-o", "out", *options]
        done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert server.seen_headers[0]["Authorization"] == f"Bearer {KEY}"
        assert server.seen_headers[0]["X-Token"] == HEADER
    assert done.returncode == code, done.stderr
    held = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    everything = b"".join([done.stdout.encode(), done.stderr.encode(), *held.values()])
    for secret in (KEY, HEADER):
        assert secret.encode() not in everything
    told = done.stderr if code else b"".join(body for path, body in held.items() if path.suffix == ".jsonl").decode()
    assert "are not what I like" in told
