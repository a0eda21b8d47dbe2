"""Plant small faults in a room and see whether its tests notice: `python scripts/mutants.py evaluate/fidelity`.

    faults of the room --> a sample by seed --> tests that call the function --> one run a fault --> caught, or survived

A fault changes one operator, comparison, number or word (`<` for `<=`, `+` for `-`, `and` for `or`, `min` for `max`, 1 for 0) inside
a function. The room's fast tests run once under a profiler that notes which of them call which function; each fault is then tried
on the cheapest of those, in a copy of the sources. What no test calls has survived. Some survivors change nothing that can be
seen (a bound that is never met): read each before writing a test.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PACKAGE = Path("src") / "lookalike"
FAST = "not slow and not model and not browser and not deep and not peer"
TRIED_S = 20.0  # CPU seconds of tests for a fault, the cheapest first
OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
WORDS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
    "argmin": "argmax",
    "argmax": "argmin",
}
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
# each fault is tried in a fork of a process that has these already: to import them takes longer than most tests
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["numpy", "pyarrow.parquet", "pydantic", "duckdb", "pytest", "scipy.stats", "pandas"])


@dataclass(frozen=True)
class Fault:
    """One change: the file below `src/lookalike`, the function that holds it, and the line before and after."""

    file: str
    function: str
    first_line: int
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}\n      - {self.before}\n      + {self.after}"


def faults(file: str, text: str) -> Iterator[Fault]:
    """Every fault that a file can have."""
    tree = ast.parse(text)
    for function in (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)):
        first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        for node in _own(function):
            for changed in changes(node):
                yield _fault(file, text, function.name, first, node, changed)


def changes(node: ast.AST) -> Iterator[ast.expr]:
    """What else an expression could have been."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
        yield _with(node, ops=[OTHER[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OTHER:
        if not any(
            isinstance(part, ast.Constant | ast.JoinedStr) and isinstance(getattr(part, "value", ""), str)
            for part in ast.iter_child_nodes(node)
        ):
            yield _with(node, op=OTHER[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield _with(node, value=not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield _with(node, value=node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORDS:
        yield _with(node, func=ast.Name(WORDS[node.func.id]))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WORDS:
        yield _with(node, func=_with(node.func, attr=WORDS[node.func.attr]))


def _with(node: ast.expr, **fields: object) -> ast.expr:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _own(function: FUNCTIONS) -> Iterator[ast.AST]:
    """The expressions of a function's body: not those of functions inside it, of annotations, nor of what it raises."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FUNCTIONS | ast.Raise | ast.Assert | ast.JoinedStr):
            continue
        if isinstance(node, ast.AnnAssign):
            waiting += [node.value] if node.value else []
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def _fault(file: str, text: str, function: str, first: int, node: ast.AST, changed: ast.expr) -> Fault:
    lines = text.splitlines(keepends=True)
    start = sum(len(line.encode()) for line in lines[: node.lineno - 1]) + node.col_offset
    end = sum(len(line.encode()) for line in lines[: node.end_lineno - 1]) + node.end_col_offset
    raw = text.encode()
    source = (raw[:start] + f"({ast.unparse(changed)})".encode() + raw[end:]).decode()
    before = ast.unparse(node)
    return Fault(file, function, first, node.lineno, before, ast.unparse(changed), source)


def wanted(room: Path, count: int, seed: int) -> list[Fault]:
    """A sample of the room's faults, always the same for a seed."""
    files = [room] if room.is_file() else sorted(room.rglob("*.py"))
    every = [
        fault for path in files for fault in faults(str(path.relative_to(HERE / PACKAGE)), path.read_text(encoding="utf-8"))
    ]
    return sorted(random.Random(seed).sample(every, min(count, len(every))), key=lambda fault: (fault.file, fault.line))


# -- which tests call which function ----------------------------------------------------------------------------------


class Calls:
    """A pytest plugin that notes, for each test, its CPU seconds and the functions of ours that it calls."""

    def __init__(self, root: Path) -> None:
        self.root, self.seen, self.tests = str(root.resolve()), set[tuple[str, int]](), {}

    def _note(self, frame: object, event: str, _: object) -> None:
        if event == "call" and (code := frame.f_code).co_filename.startswith(self.root):
            self.seen.add((code.co_filename[len(self.root) + 1 :], code.co_firstlineno))

    def pytest_runtest_protocol(self, item: object, nextitem: object) -> None:
        """Before each test: watch it."""
        del nextitem
        self.seen, self._name, self._began = set(), item.nodeid, time.process_time()
        sys.setprofile(self._note)
        threading.setprofile(self._note)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """After it: what it called."""
        sys.setprofile(None)
        threading.setprofile(None)
        self.tests[nodeid] = {"s": time.process_time() - self._began, "calls": sorted(self.seen)}


def record(tests: Sequence[str]) -> dict[str, dict]:
    """Run tests in a process of their own and tell what each calls, and how long it takes."""
    code = (
        "import json, pathlib, sys; sys.path.insert(0, sys.argv[1]); import mutants, pytest; "
        "calls = mutants.Calls(pathlib.Path(sys.argv[2])); "
        "code = pytest.main(['-q', '-p', 'no:randomly', '-p', 'no:xdist', '-m', mutants.FAST, *sys.argv[4:]], plugins=[calls]); "
        "pathlib.Path(sys.argv[3]).write_text(json.dumps(calls.tests)); sys.exit(code)"
    )
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "calls.json"
        command = [sys.executable, "-c", code, str(HERE / "scripts"), str(HERE / PACKAGE), str(found), *tests]
        done = subprocess.run(command, cwd=HERE, env=_environment(HERE), capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"the tests fail without any fault:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
        return json.loads(found.read_text())


def chosen(fault: Fault, tests: dict[str, dict]) -> list[str]:
    """The tests that call a fault's function, cheapest first, as many as the time allows."""
    mine = sorted((test["s"], name) for name, test in tests.items() if [fault.file, fault.first_line] in test["calls"])
    spent, names = 0.0, []
    for seconds, name in mine:
        if names and spent + seconds > TRIED_S:
            break
        spent += seconds
        names.append(name)
    return names


# -- trying ------------------------------------------------------------------------------------------------------------


def caught(fault: Fault, names: Sequence[str], root: Path) -> bool:
    """Whether one of these tests fails, or goes on for ever, with the fault; `root` is a copy of the sources that may change."""
    path = root / PACKAGE / fault.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(fault.source, encoding="utf-8")
    try:
        return not passes(names, root)
    finally:
        path.write_text(whole, encoding="utf-8")


def passes(names: Sequence[str], root: Path) -> bool:
    """Whether tests pass on a copy of the sources, in a process of their own."""
    process = FORKED.Process(target=attempt, args=(root, list(names)))
    process.start()
    process.join()
    return process.exitcode == 0


def attempt(root: Path, names: list[str]) -> None:
    """Run tests on a copy of the sources and end this process with their outcome."""
    most = int(10 * TRIED_S)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    os.environ.update(_environment(root))
    os.chdir(HERE)
    sys.path.insert(0, str(root / "src"))
    sys.dont_write_bytecode = True
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    import pytest

    os._exit(pytest.main(["-x", "-q", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", *names]))


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def run(room: Path, tests: Sequence[str], count: int, seed: int, at_once: int) -> int:
    """Plant the faults one after another and print what survived."""
    sample = wanted(room, count, seed)
    print(f"{len(sample)} faults in {room.relative_to(HERE)}; which tests call what ...", flush=True)
    known = record(tests)
    plans = [(fault, chosen(fault, known)) for fault in sample]
    free = [Path(tempfile.mkdtemp(prefix="mutants-")) for _ in range(at_once)]
    for root in free:
        shutil.copytree(HERE / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))

    if not passes(sorted({name for _, names in plans for name in names[:3]}), free[0]):
        sys.exit("the tests fail in a copy of the sources without any fault: run them by themselves first")

    def one(plan: tuple[Fault, list[str]]) -> bool:
        fault, names = plan
        if not names:
            return False
        root = free.pop()
        try:
            return caught(fault, names, root)
        finally:
            free.append(root)

    with ThreadPoolExecutor(at_once) as pool:
        outcomes = list(pool.map(one, plans))
    for root in free:
        shutil.rmtree(root)
    for (fault, names), dead in zip(plans, outcomes, strict=True):
        if not dead:
            print(f"survived ({len(names)} tests): {fault}")
    print(f"{sum(outcomes)} of {len(sample)} faults caught: {sum(outcomes) / max(1, len(sample)):.0%}")
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", help="a folder or file below src/lookalike, such as evaluate/fidelity or rng.py")
    parser.add_argument("--tests", nargs="*", help="test folders or files; the room's mirror below tests when not given")
    parser.add_argument("--count", type=int, default=60, help="faults to plant")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--at-once", type=int, default=2, help="tests that run beside each other")
    args = parser.parse_args()
    room = HERE / PACKAGE / args.room
    place = HERE / "tests" / args.room
    mirror = next(path for path in (place, *place.parents) if path.is_dir())
    tests = args.tests or [str(mirror.relative_to(HERE))]
    return run(room, tests, args.count, args.seed, args.at_once)


if __name__ == "__main__":
    sys.exit(main())
