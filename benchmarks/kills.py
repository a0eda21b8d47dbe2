"""Kill runs at random moments and start them again: is a journalled reply ever asked again, is a byte of the tables different?

    python benchmarks/kills.py --kills 100 [--seed 0]

A real HTTP server answers. One run is killed with SIGKILL again and again at random moments until it is through; then the next
begins. Of a killed run only what was in flight may be asked twice.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from lookalike.testing.server import ModelServer

CLI = [sys.executable, "-c", "from lookalike.cli import main; main()"]
CONCURRENCY = 16
RECIPE = """
name: killed
seed: 3
models:
  m: {kind: openai, base_url: "URL", model: t, concurrency: CONCURRENCY}
tables:
  t:
    rows: 400
    columns:
      s: {kind: category, values: [red, green, blue]}
      n: {kind: integer, low: 1, high: 90}
      first: {kind: prompt, model: m, prompt: "Write of {{ s }} and {{ n }}"}
      second: {kind: prompt, model: m, prompt: "Judge {{ first }}"}
    keep: ["n > 20"]
"""


def keys(folder: Path) -> list[tuple[str, int, int]]:
    """Every reply that the journal holds, as often as it is there."""
    found = []
    for path in folder.glob("journal/*/*/*.jsonl"):
        for raw in path.read_bytes().split(b"\n"):
            try:
                line = orjson.loads(raw)
                found.append((line["f"], line["r"], line["k"]))
            except (orjson.JSONDecodeError, KeyError):
                continue  # the torn last line of a kill
    return found


def digest(folder: Path) -> str:
    """Of all table files, in order."""
    parts = sorted((folder / "tables").rglob("*.parquet"))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]


def killed(command: list[str | Path], server: ModelServer, kills: int, draw: random.Random) -> int:
    """One run, killed at most so many times, to its end; returns how often it was."""
    done = 0
    while True:
        until = server.statuses[200] + draw.randrange(0, 150)  # its next replies; one in ten dies while it starts
        wait_s = draw.uniform(0, 1) if draw.random() < 0.1 else draw.uniform(0, 0.05)
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        if done < kills:
            while wait_s < 0.1 and server.statuses[200] <= until and process.poll() is None:
                time.sleep(0.001)
            time.sleep(wait_s)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                done += 1
        if process.wait() == 0:
            return done


def main() -> None:
    """Run, kill, count, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked_for = parser.parse_args()
    draw = random.Random(asked_for.seed)
    with tempfile.TemporaryDirectory() as work, ModelServer(latency_s=0.03) as server:
        recipe = Path(work) / "killed.yaml"
        recipe.write_text(RECIPE.replace("URL", server.url).replace("CONCURRENCY", str(CONCURRENCY)))
        whole = Path(work) / "whole"
        subprocess.run([*CLI, "run", recipe, "-o", whole, "-q"], check=True)
        expected, calls = digest(whole), len(keys(whole))
        done = runs = repeated = different = answered = 0
        while done < asked_for.kills:
            folder = Path(work) / f"run-{runs}"
            before = server.statuses[200]
            done += killed([*CLI, "run", recipe, "-o", folder, "-q"], server, asked_for.kills - done, draw)
            runs += 1
            answered += server.statuses[200] - before
            found = keys(folder)
            repeated += len(found) - len(set(found))
            different += digest(folder) != expected
        lost = answered - runs * calls
    sys.stdout.write(
        f"{done} kills over {runs} runs: {repeated} journalled replies asked again, {different} runs with other bytes, "
        f"{lost} replies in flight asked twice (at most {CONCURRENCY} a kill allow {done * CONCURRENCY}); "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    sys.exit(1 if repeated or different or lost > done * CONCURRENCY else 0)


if __name__ == "__main__":
    main()
