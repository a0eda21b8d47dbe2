"""Throw broken inputs at every door and see that only our own errors come out.

    python scripts/fuzz.py [--seconds 600] [--seed 0] [--only recipes,sources,replies,servers,runs,models]

Each door has a maker of inputs, mostly good ones with some bytes changed, and a check. Anything but a `LookalikeError` with words (or, for
replies and servers, their own verdicts) is a finding: it is made shorter, and printed with its seed. Runs and models live in a folder of
their own; links that are planted there point at a decoy beside it, which must stay as it was. Exit code 1 when something was found.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import lookalike as la
from lookalike import api
from lookalike.errors import LookalikeError, RecipeProblems
from lookalike.generators.reading import Unfit, parse_json, read_choice, read_json, read_text
from lookalike.models.base import Fault
from lookalike.models.http1 import Http1
from lookalike.models.reasoning import apart
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.rows.json_types import arrow_of, cells, to_arrow

SLOW_S = 5.0  # of CPU for one input
SHRINKS = 150  # tries at a shorter input
RECIPE = b"""name: x
seed: 7
parameters: {n: 4}
models: {m: {kind: scripted}}
sources: {s: {kind: file, path: s.csv}}
tables:
  t:
    rows: $(n)
    columns:
      a: {kind: category, values: {x: 0.5, y: 0.5}}
      b: {kind: integer, low: 1, high: 9}
      c: {kind: prompt, model: m, prompt: "{{ a }} {{ row['b'] }}", schema: {type: object, properties: {k: {type: integer}}}}
      d: {kind: judge, model: m, prompt: "{{ c.k }}", scores: {good: "1 ... 5"}, when: "b > 2"}
    keep: ["d.good >= 1"]
    steps: [{kind: dedup, on: b}]
  u: {rows: {per: t, count: 2}, columns: {e: {kind: template, template: "{{ t.a }}"}}}
  v: {rows: {grid: {p: [1, 2], q: [x]}}}
  w: {rows: {from: s}, columns: {f: {kind: expression, sql: "i + 1"}}}
gates: [{metric: pii_count, table: t, max: 0.9}]
budget: {usd: 5}
"""
SOURCES = {
    "csv": b'i,name,when\n1,"a, b",2020-01-01\n2,c,2020-02-30\n3,,\n',
    "jsonl": b'{"i": 1, "l": [1, 2], "s": {"k": "v"}}\n{"i": 2.5, "l": null}\n',
    "json": b'[{"i": 1, "t": "x"}, {"i": 9007199254740993}]',
}
SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": {"enum": ["low", "high"]},
        "l": {"type": "array", "items": {"type": "number"}},
    },
    "required": ["n"],
}
REPLY = b'<think>hm</think> Sure: ```json\n{"n": 12, "s": "High", "l": [1, 2.5], "t": "a \\"b\\" \\u00e9"}\n```'
HTTP = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nRetry-After: 5\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n'
PIECES = {
    "recipes": [b"[", b"{", b"}", b"- ", b": ", b"&a ", b"*a", b"<<: ", b"!!map ", b"!!int ", b"9" * 30, b"1e999", b"null", b"$(n)", b"{{ a.b }}", b"\n  ", b'"', b"~", b"? ", b"|\n"],
    "replies": [b"<think>", b"</think>", b'"', b"{", b"[", b"]", b"}", b",", b":", b"\\u", b"9" * 30, b"1e400", b"```", b"// ", b"null", b"[THINK]", b"\xf0\x9f\x98\x80", b"[" * 200],
    "servers": [b"\r\n", b"0\r\n", b"ffffffff\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"Content-Length: 3\r\n", b"Content-Encoding: gzip\r\n", b": ", b"\xff\xff", b"1\r\n \r\n" * 50, b"x" * 5000],
    "sources": [b",", b"\n", b'"', b"9" * 40, b"\xff", b"\x00", b"1e999", b"{", b"]", b"\xed\xa0\x80", b"\\ud800", b"nan", b"-", b"0001-01-01"],
}  # fmt: skip


@dataclass(frozen=True)
class Door:
    """Where inputs come in: how one is made, and what is done with it."""

    make: Callable[[Random], bytes]
    enter: Callable[[bytes, Path], None]


def changed(base: bytes, pieces: list[bytes], random: Random) -> bytes:
    """A good input with up to eight changes: bytes cut, doubled, replaced, or a piece put in."""
    text = bytearray(base)
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(text) + 1)
        until = min(len(text), at + random.choice((1, 1, 4, 20)))
        match random.randrange(4):
            case 0:
                del text[at:until]
            case 1:
                text[at:at] = text[at:until]
            case 2:
                text[at:until] = random.randbytes(until - at)
            case _:
                text[at:at] = random.choice(pieces)
    return bytes(text)


def recipes(data: bytes, folder: Path) -> None:
    """Read a recipe and plan it; every problem has its place."""
    (folder / "s.csv").write_bytes(SOURCES["csv"])
    try:
        recipe = load(data.decode("utf-8", "replace") + "\n")
        compile_plan(recipe, folder)
    except RecipeProblems as exc:
        lost = [problem for problem in exc.problems if not problem.where]
        assert not lost, f"no place: {lost[0]}"


def sources(data: bytes, folder: Path) -> None:
    """Read a file of its kind, and learn what it holds."""
    kind, _, body = data.partition(b"|")
    path = folder / f"s.{kind.decode()}"
    path.write_bytes(body)
    table = api.read(str(path))
    la.Independent().fit(table).sample(3, seed=1)


def replies(data: bytes, folder: Path) -> None:  # noqa: ARG001  # one shape for all doors
    """Read a reply in every way; a value that is taken fits its cell."""
    text = data.decode("utf-8", "replace")
    found = apart(text)
    kind = arrow_of(SCHEMA)
    for read in (read_text, read_choice(("low", "high")), parse_json):
        with suppress(Unfit):
            read(found.answer)
    with suppress(Unfit):
        to_arrow([read_json(SCHEMA, cells(kind))(found.answer)], kind)


def servers(data: bytes, folder: Path) -> None:  # noqa: ARG001  # one shape for all doors
    """Ask a server that answers with these bytes, cut at their marks, twice on what may be one connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in data.split(b"\xff\xff"):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = Http1(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {}, 1 << 20)
        for _ in range(2):
            with suppress(Fault):
                async with asyncio.timeout(3):
                    await client.exchange("GET", "/", b"")
        await client.close()
        server.close()

    asyncio.run(main())


def _made(name: str, folder: Path) -> Path:
    """A run or a model that was made once, copied: damage must not reach the next input."""
    kept = folder.parent / f"{name}.kept"
    if not kept.exists():  # its errors are ours, and no verdict on an input
        if name == "run":
            text = RECIPE.decode().partition("  w: ")[0].replace("sources: {s: {kind: file, path: s.csv}}\n", "")
            la.run(load(text), to=kept)
        else:
            la.Forest().fit(api.read(str(_csv(folder.parent)))).save(kept)
    copy = folder / name
    shutil.copytree(kept, copy)
    return copy


def _csv(folder: Path) -> Path:
    path = folder / "kept.csv"
    path.write_text("a,b,c\n" + "".join(f"{n % 7},{n * 3 % 11},{'xyz'[n % 3]}\n" for n in range(60)))
    return path


def damaged(name: str) -> Callable[[bytes, Path], None]:
    """Damage a run or a model as the input's seed says, use it, and look whether the decoy is as it was."""

    def enter(data: bytes, folder: Path) -> None:
        random, made = Random(data), _made(name, folder)
        decoy = folder / "decoy"
        decoy.write_bytes(b"not yours")
        for path in random.choices(sorted(each for each in made.rglob("*") if each.is_file()), k=random.randint(1, 3)):
            if not path.is_file() or path.is_symlink():
                continue
            body = path.read_bytes()
            match random.randrange(4):
                case 0:
                    path.unlink()
                    path.symlink_to(decoy)
                case 1:
                    path.unlink()
                    path.mkdir()
                case 2:
                    path.write_bytes(body[: random.randrange(len(body) + 1)])
                case _:
                    path.write_bytes(changed(body, [b"{", b"[", b"null", b"-1", b"9" * 30], random))
        try:
            if name == "run":
                la.run(load(made / "recipe.yaml"), to=made)
                api.verify(made)
            else:
                api.sample(made, 3, seed=1)
        finally:
            assert decoy.read_bytes() == b"not yours", "the decoy behind a link was written"

    return enter


def _seed(random: Random) -> bytes:
    return b"%d" % random.getrandbits(32)


def _source(random: Random) -> bytes:
    kind = random.choice(sorted(SOURCES))
    return kind.encode() + b"|" + changed(SOURCES[kind], PIECES["sources"], random)


DOORS = {
    "recipes": Door(lambda random: changed(RECIPE, PIECES["recipes"], random), recipes),
    "sources": Door(_source, sources),
    "replies": Door(lambda random: changed(REPLY, PIECES["replies"], random), replies),
    "servers": Door(lambda random: changed(HTTP, PIECES["servers"], random), servers),
    "runs": Door(_seed, damaged("run")),
    "models": Door(_seed, damaged("model")),
}


def fault(door: Door, data: bytes, place: Path) -> str:
    """What is wrong with how an input was taken; empty: nothing."""
    folder = Path(tempfile.mkdtemp(dir=place))
    began = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            door.enter(data, folder)
    except LookalikeError as exc:
        if not exc.what:
            return "an error without words"
    except Exception as exc:  # noqa: BLE001  # this is what is looked for
        last = traceback.extract_tb(exc.__traceback__)[-1]
        return f"{type(exc).__name__}: {str(exc)[:200]} ({Path(last.filename).name}:{last.lineno})"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    spent = time.process_time() - began
    return f"{spent:.1f} s of CPU" if spent > SLOW_S else ""


def shortest(door: Door, data: bytes, said: str, place: Path) -> bytes:
    """A shorter input with a fault of the same class."""
    kind, size, tries = said.partition(":")[0], max(1, len(data) // 2), 0
    while size and tries < SHRINKS:
        at = 0
        while at < len(data) and tries < SHRINKS:
            tries += 1
            less = data[:at] + data[at + size :]
            if fault(door, less, place).partition(":")[0] == kind:
                data = less
            else:
                at += size
        size //= 2
    return data


def fuzz(doors: dict[str, Door], *, seed: int, until: Callable[[int], bool], place: Path) -> list[str]:
    """What was found, one text a finding; the doors take turns. `until`: whether to stop, by the number of inputs so far."""
    found: dict[str, str] = {}
    number = 0
    while not until(number):
        for name, door in doors.items():
            data = door.make(Random(f"{seed}/{name}/{number}"))
            said = fault(door, data, place)
            if said and (key := f"{name} {said.partition(':')[0]} {said.rpartition('(')[2]}") not in found:
                short = data if name in ("runs", "models") else shortest(door, data, said, place)
                found[key] = f"{name}, seed {seed}, input {number}: {said}\n    {short!r}"
                print(found[key], flush=True)
        number += 1
    return list(found.values())


def main() -> None:
    """Fuzz for some time; exit code 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(DOORS))
    asked = parser.parse_args()
    end = time.monotonic() + asked.seconds
    doors = {name: DOORS[name] for name in asked.only.split(",")}
    counted = 0

    def until(number: int) -> bool:
        nonlocal counted
        counted = number
        return time.monotonic() > end

    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        found = fuzz(doors, seed=asked.seed, until=until, place=Path(place))
    print(f"{counted:,} inputs for each of {', '.join(doors)}: {len(found)} findings")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
