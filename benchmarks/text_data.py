"""What text data costs on top of the model's calls: near-duplicate search while generating, and dialogues.

    python benchmarks/text_data.py [--rows 2000] [--rounds 3]

Near-duplicates: the same job (a review of 70 words and its judgement, two calls a row to an OpenAI-compatible server in another
process, 64 at once) with and without a `dedup` step, for each method. The same calls are made in both, because no two reviews are
alike, so the difference is the search; it is smaller than the noise of a busy machine, so the share of the run that was spent
inside the step is printed beside it. Dialogue: talks of six turns against six prompt columns that hold the same turns, both
answered by a scripted model in this process. All numbers are CPU seconds of this process (time.process_time), the server's not
included; rounds alternate, the best of each is compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads that wait for each other cost CPU too

from lookalike import api  # after the threads are told
from lookalike.models.scripted import Scripted
from lookalike.steps.dedup import Dedup

SCORE = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
METHODS = {"no dedup": None, "exact": "exact", "minhash": "minhash", "embedding": "embedding"}


def serve(pipe: Any) -> None:
    """A server that answers with 70 words of real reviews, drawn by the prompt, or with a score when a schema is asked for."""
    from aiohttp import web

    words = " ".join(api.read("package:reviews")["review"].to_pylist()).split()

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        prompt = body["messages"][-1]["content"]
        text = '{"score": 4}' if "response_format" in body else " ".join(random.Random(prompt).choices(words, k=70))
        message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 40, "completion_tokens": 90, "total_tokens": 130}
        return web.json_response({"id": "1", "object": "chat.completion", "model": "m", "choices": [message], "usage": usage})

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(site._server.sockets[0].getsockname()[1])  # noqa: SLF001  # aiohttp has no public way to a free port
        await asyncio.Event().wait()

    asyncio.run(main())


def reviews(url: str, rows: int, method: str | None) -> dict[str, Any]:
    """The job, with the step or without."""
    columns = {
        "id": {"kind": "sequence", "start": 0},
        "review": {"kind": "prompt", "model": "m", "prompt": "Write review {{ id }} of a kettle."},
        "judged": {"kind": "prompt", "model": "m", "prompt": "Rate: {{ review }}", "schema": SCORE},
    }
    steps = [{"kind": "dedup", "on": "review", "method": method}] if method else []
    model = {"kind": "openai", "base_url": url, "model": "m", "api_key": "none", "concurrency": 64}
    return {"name": "reviews", "models": {"m": model}, "tables": {"t": {"rows": rows, "columns": columns, "steps": steps}}}


@cache
def texts() -> list[str]:
    """So many replies of 70 words that hardly one comes twice in a run: what is remembered of a text is no help then."""
    words = " ".join(api.read("package:reviews")["review"].to_pylist()).split()
    return [" ".join(random.Random(n).choices(words, k=70)) for n in range(20_000)]


def talks(rows: int, *, dialogue: bool) -> dict[str, Any]:
    """Six turns of one talk a row, or six prompts a row, each with all the turns before it as a dialogue's calls have them."""
    replies = texts()
    roles = [{"name": "user", "is": "a customer"}, {"name": "assistant", "is": "an agent"}]
    columns: dict[str, Any] = {"id": {"kind": "sequence", "start": 0}}
    if dialogue:
        columns["talk"] = {"kind": "dialogue", "model": "m", "topic": "order {{ id }}", "turns": 6, "roles": roles}
    else:
        for n in range(6):
            before = " ".join(f"{{{{ turn{k} }}}}" for k in range(n))
            columns[f"turn{n}"] = {"kind": "prompt", "model": "m", "prompt": f"Turn {n} about order {{{{ id }}}}. {before}"}
    model = Scripted(function=lambda request: replies[request.seed % len(replies)])
    return {"name": "talks", "models": {"m": model}, "tables": {"t": {"rows": rows, "columns": columns}}}


class Watch:
    """CPU seconds spent inside `Dedup.apply`."""

    spent = 0.0

    def __init__(self) -> None:
        inner = Dedup.apply

        def apply(step: Dedup, *given: Any) -> Any:
            start = time.thread_time()
            try:
                return inner(step, *given)
            finally:
                self.spent += time.thread_time() - start

        Dedup.apply = apply

    def share(self, job: dict[str, Any], rounds: int) -> float:
        """The least share of a run that the step took."""
        shares = []
        for _ in range(rounds):
            self.spent = 0.0
            total = cost(job)
            shares.append(self.spent / total)
        return min(shares)


def cost(recipe: dict[str, Any]) -> float:
    """CPU seconds of a run; all rows are there afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        run = api.run(api.load({"lookalike": 1, "seed": 1, **recipe}), to=Path(folder) / "run")
        spent = time.process_time() - start
        assert run.table("t").num_rows == recipe["tables"]["t"]["rows"]
    return spent


def best(recipes: dict[str, dict[str, Any]], rounds: int) -> dict[str, float]:
    """The least cost of each, in rounds that take turns."""
    found: dict[str, float] = dict.fromkeys(recipes, float("inf"))
    for _ in range(rounds):
        for name, recipe in recipes.items():
            found[name] = min(found[name], cost(recipe))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/v1"
    try:
        jobs = {name: reviews(url, given.rows, method) for name, method in METHODS.items()}
        for job in jobs.values():  # kernels and caches
            cost({**job, "tables": {"t": {**job["tables"]["t"], "rows": 50}}})
        found = best(jobs, given.rounds)
        base = found["no dedup"]
        watch = Watch()
        for name, spent in found.items():
            each = (spent - base) / given.rows * 1e3
            inside = watch.share(jobs[name], given.rounds)
            print(
                f"reviews, {name:<12}{spent:>8.2f} CPU s{spent / base - 1:>+9.1%}{each:>+9.3f} ms a row{inside:>8.1%} in the step"
            )
        rows = max(1, given.rows // 3)
        found = best({"dialogue": talks(rows, dialogue=True), "six prompts": talks(rows, dialogue=False)}, given.rounds)
        for name, spent in found.items():
            print(f"{name:<21}{spent:>8.2f} CPU s{spent / rows * 1e3:>9.3f} ms a row")
        extra = (found["dialogue"] - found["six prompts"]) / rows * 1e3
        print(f"a dialogue of six turns costs what six calls cost {extra:+.3f} ms")
        print(json.dumps({"rows": given.rows, "rounds": given.rounds}))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
