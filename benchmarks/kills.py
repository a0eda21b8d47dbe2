"""Kill runs at random moments and start them again: is a journalled reply ever asked again, is a byte of the tables different?

    python benchmarks/kills.py [KILLS] [SEED]

One run is killed with SIGKILL again and again at random moments until it is through; then the next begins.
"""

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

CLI = [sys.executable, "-c", "from lookalike.cli import main; main()"]
RECIPE = """
name: killed
seed: 3
models:
  m: {kind: scripted, replies: ["alpha beta", "gamma delta", "epsilon"], latency_s: 0.03, concurrency: 16}
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


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    with tempfile.TemporaryDirectory() as work:
        recipe = Path(work) / "killed.yaml"
        recipe.write_text(RECIPE)
        whole = Path(work) / "whole"
        subprocess.run([*CLI, "run", recipe, "-o", whole, "-q"], check=True)
        expected, done, runs, repeated, different = digest(whole), 0, 0, 0, 0
        while done < kills:
            folder = Path(work) / f"run-{runs}"
            runs += 1
            while True:
                process = subprocess.Popen([*CLI, "run", recipe, "-o", folder, "-q"], stderr=subprocess.DEVNULL)
                if done < kills:
                    time.sleep(draw.uniform(0.3, 4.0))
                if process.poll() is None and done < kills:
                    process.send_signal(signal.SIGKILL)
                    done += 1
                if process.wait() == 0:
                    break
            asked = keys(folder)
            repeated += len(asked) - len(set(asked))
            different += digest(folder) != expected
        print(f"{done} kills over {runs} runs: {repeated} journalled replies asked again, {different} runs with other bytes")


if __name__ == "__main__":
    main()
