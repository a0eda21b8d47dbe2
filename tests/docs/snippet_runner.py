"""Runs the blocks of one page: the head of the script that test_snippets writes."""

import re
import subprocess
import sys
from pathlib import Path

namespace: dict = {"__name__": "__main__"}


def save(body, where):
    first, _, _ = body.partition("\n")
    match = re.fullmatch(r"# ([\w./-]+\.ya?ml)", first.strip())
    path = Path(match[1]) if match else Path("snippet.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body + "\n")
    if "tables:" in body and re.search(r"(?m)^name:", body):
        from lookalike import api

        api.plan(path, allow_code=True)


def shell(body, where):
    lines, code = body.splitlines(), []
    prompts = any(line.startswith("$ ") for line in lines)
    for line in lines:
        if prompts and line.startswith("$ "):
            code.append(line[2:])
        elif not prompts or (code and code[-1].endswith("\\")):
            code.append(line)
    script = "set -euo pipefail\n" + "\n".join(code)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(f"{where}: exit {done.returncode}")
