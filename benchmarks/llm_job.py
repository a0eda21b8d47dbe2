"""The language-model job of `benchmarks/llm.py`, done by Lookalike: settings from the environment, one result line at the end.

Run by the peers' own runner as `llm_ours.py`; it reads PEER_URL, PEER_N, PEER_CONC and PEER_OUT as the peers' scripts do, so that
every system has the same prompts, the same server and the same stop-watch.
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
      category: {{kind: expression, sql: "['Electronics', 'Clothing', 'Home & Kitchen', 'Books'][id % 4 + 1]"}}
      persona:
        kind: expression
        sql: "['a retired teacher', 'a busy parent', 'a college student', 'an engineer', 'a traveller'][id % 5 + 1]"
      review: {{kind: prompt, model: m, prompt: {review}}}
      judge: {{kind: prompt, model: m, schema: {schema}, prompt: {judge}}}
"""


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
    )


def main() -> None:
    """Run, or go on with a killed run, and say how many records are whole."""
    import pyarrow.compute as pc

    from lookalike.plan import compile_plan
    from lookalike.recipe.load import load
    from lookalike.run.engine import run

    to = Path(os.environ["PEER_OUT"]) / "run"
    profile = None
    if os.environ.get("LLM_PROFILE"):
        import cProfile

        profile = cProfile.Profile()
        profile.enable()
    run(compile_plan(load(recipe())), to)
    if profile is not None:
        profile.disable()
        profile.dump_stats(os.environ["LLM_PROFILE"])
    import pyarrow.parquet as pq

    rows, whole = 0, 0
    for path in sorted((to / "tables" / "records").glob("part-*.parquet")):
        with pq.ParquetFile(path) as file:
            table = file.read(columns=["review", "judge"])
        rows += table.num_rows
        both = pc.and_(pc.greater(pc.utf8_length(table["review"]), 0), pc.is_valid(pc.struct_field(table["judge"], "score")))
        whole += pc.sum(both).as_py() or 0
    body = {"rows": rows, "unique_ids": rows, "complete_rows": whole, "in_script_s": round(time.perf_counter() - START, 3)}
    sys.stdout.write("PEER_RESULT " + json.dumps(body) + "\n")


if __name__ == "__main__":
    main()
