"""The language-model job, done by Lookalike under the peers' own stop-watch.

    python benchmarks/llm_job.py MODE --peers FOLDER --runner PYTHON [--python PYTHON] [--repeat 3]

MODE      64 | three | 256 | faults | kill | memory, or all; `three` has three dependent model columns
--peers   the folder with the peers' runner (bench_llm.py) and the mock server
--runner  an environment with psutil, orjson and uvloop: it runs the stop-watch and the mock
--python  the environment measured, e.g. one with the core install alone; this one when not given

The runner starts this file as `llm_ours.py` with PEER_URL, PEER_N, PEER_CONC and PEER_OUT in the environment, as it starts the
peers' scripts: every system has the same prompts, the same server and the same stop-watch. One line a run; the best is the one to quote.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

START = time.perf_counter()
RECIPE = """
name: reviews
models:
  m: {{kind: openai, base_url: "{url}", model: mock-model, concurrency: {concurrency}, retries: 6}}
tables:
  records:
    rows: {rows}
    columns:
      id: {{kind: sequence, start: 0}}
      category: {{kind: template, template: "{{{{ ['Electronics', 'Clothing', 'Home & Kitchen', 'Books'][id % 4] }}}}"}}
      persona:
        kind: template
        template: "{{{{ ['a retired teacher', 'a busy parent', 'a college student', 'an engineer', 'a traveller'][id % 5] }}}}"
      review: {{kind: prompt, model: m, prompt: {review}}}
      judge: {{kind: prompt, model: m, schema: {schema}, prompt: {judge}}}
"""
THIRD = """      answer: {kind: prompt, model: m, prompt: "Record {{ id }}. Answer as the shop: {{ judge.reason }}"}
"""
MODES = {
    "64": ("--n 2000 --conc 64", ""),
    "three": ("--n 2000 --conc 64", "three"),
    "256": ("--n 20000 --conc 256", ""),
    "faults": ("--n 2000 --conc 64 --faults p429=0.05,p500=0.02,pbadjson=0.02", ""),
    "kill": ("--n 2000 --conc 64 --kill 0.5", ""),
    "memory": ("--n 200000 --conc 256 --latency 0.01 --limit 900", ""),
}


def recipe() -> str:
    """The job as a recipe, with the prompts and the schema of the peers' folder."""
    import llm_common as job  # of the peers' folder, on PYTHONPATH

    return RECIPE.format(
        url=job.URL,
        concurrency=job.CONC,
        rows=job.N,
        review=json.dumps(job.REVIEW_PROMPT),
        judge=json.dumps(job.JUDGE_PROMPT),
        schema=json.dumps(job.JUDGE_SCHEMA),
    ) + (THIRD if os.environ.get("PEER_KIND") == "three" else "")


def measure(mode: str, peers: Path, runner: str, python: str) -> str:
    """One run of a mode under the stop-watch, as one line."""
    import shutil
    import subprocess
    import tempfile

    options, kind = MODES[mode]
    with tempfile.TemporaryDirectory() as work:
        folder = Path(shutil.copytree(peers, Path(work) / "peers"))
        shutil.copy(__file__, folder / "llm_ours.py")
        peer = f"ours{':' if kind else ''}{kind}={python}"
        command = [runner, folder / "bench_llm.py", "--mock-python", runner, "--work", Path(work) / "out", "--peer", peer]
        done = subprocess.run([*command, *options.split()], check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
    if mode == "kill":
        second = found["second"]["result"]
        return f"{mode:7} {second['complete_rows']:,} records, {found['asked_twice']} asked twice, load {found['load1']}"
    calls, floor = found["mock"]["requests"], found["floor_s"] * (1.5 if kind == "three" else 1.0)
    return (
        f"{mode:7} {1000 * found['cpu_s'] / calls:.3f} ms CPU a call, {found['mock']['span_s'] / floor:.2f} x floor, "
        f"{found['wall_s']:.2f} s wall, {found['peak_rss_mib']} MiB, {found['result']['complete_rows']:,} records, {calls:,} calls, "
        f"{sum(found['mock']['faults'].values()):,} faults, load {found['load1']}"
    )


def main() -> None:
    """The job itself when the runner has started us, else the stop-watch."""
    if "PEER_URL" in os.environ:
        job()
        return
    import argparse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--repeat", type=int, default=1)
    asked = parser.parse_args()
    for mode in MODES if asked.mode == "all" else [asked.mode]:
        for _ in range(asked.repeat):
            sys.stdout.write(measure(mode, asked.peers, asked.runner, asked.python) + "\n")
            sys.stdout.flush()


def job() -> None:
    """`lookalike run`, which goes on with a killed run, and how many records are whole. The peers do not measure what they made."""
    from lookalike.cli import main as lookalike

    folder = Path(os.environ["PEER_OUT"])
    (folder / "reviews.yaml").write_text(recipe(), "utf-8")
    sys.argv = ["lookalike", "run", str(folder / "reviews.yaml"), "-o", str(folder / "run"), "--no-evaluate"]
    try:
        lookalike()
    except SystemExit as done:
        if done.code:
            raise
    import pyarrow.parquet as pq

    rows, whole = 0, 0
    for path in sorted((folder / "run" / "tables" / "records").glob("part-*.parquet")):
        with pq.ParquetFile(path) as file:
            records = file.read(columns=["review", "judge"]).to_pylist()
        rows += len(records)
        whole += sum(bool(record["review"] and (record["judge"] or {}).get("score")) for record in records)
    body = {"rows": rows, "unique_ids": rows, "complete_rows": whole, "in_script_s": round(time.perf_counter() - START, 3)}
    sys.stdout.write("PEER_RESULT " + json.dumps(body) + "\n")


if __name__ == "__main__":
    main()
