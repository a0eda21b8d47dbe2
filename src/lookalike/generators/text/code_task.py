"""code_task: code that a model writes, and that has run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.errors import RecipeError
from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.code_blocks import code_in
from lookalike.generators.reading import Unfit
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking
from lookalike.models.base import CallFailed
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_LIMITS = """import resource, sys
for what, bound in ((resource.RLIMIT_CPU, {cpu}), (resource.RLIMIT_AS, {memory}), (resource.RLIMIT_FSIZE, 1 << 20), (resource.RLIMIT_NOFILE, 32)):
    resource.setrlimit(what, (bound, bound))
import socket
def refused(*args, **kwargs): raise OSError("no network here")
socket.socket = socket.create_connection = refused
exec(compile(open(sys.argv[1], encoding="utf-8").read(), "answer.py", "exec"), {{"__name__": "__main__"}})
"""


class CodeTask(TextAsking):
    """Python code for a task, run with its tests in a process of its own: `{code, passed, output}`.

    The program is the code followed by `tests` (asserts). What fails is shown to the model, up to `tries` times; with
    `keep_failing` a last failing answer is kept with `passed: false`, otherwise the cell fails. Time, memory, file size and
    open files are limited, the folder is empty and the environment bare; that stops accidents, not attackers, so running is
    allowed only with `--allow-code`.

    ```yaml
    solved: {kind: code_task, task: "{{ task }}", tests: "{{ tests }}"}
    ```

    Attributes:
        task: a template; what the code should do.
        tests: a template; asserts that run after the code.
        seconds: most running time.
        megabytes: most memory.
        keep_failing: keep the last failing code with `passed: false`.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.
    """

    kind: ClassVar[str] = "code_task"

    task: TemplateText
    tests: TemplateText = ""
    seconds: float = Field(default=5.0, gt=0, le=120)
    megabytes: int = Field(default=512, ge=64)
    keep_failing: bool = False

    def templates(self) -> tuple[str, ...]:
        """Task and tests."""
        return (self.task, self.tests)

    def arrow_type(self) -> pa.DataType:
        """Code, whether it passed, what it printed."""
        return pa.struct([("code", pa.string()), ("passed", pa.bool_()), ("output", pa.string())])

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """Ask, run, tell what failed."""
        if not ctx.allow_code:
            raise RecipeError(
                what="code_task runs what a model writes",
                where=f"table {ctx.table!r}, column {ctx.column!r}",
                fix="run with --allow-code",
            )
        task, tests = compiled(self.task).render(row), compiled(self.tests).render(row)
        shown = f"\n\nIt must pass these tests:\n```python\n{tests}\n```" if tests else ""
        last: dict[str, Any] = {}

        def read(reply: str) -> dict[str, Any]:
            code = code_in(reply, "python")
            passed, output = run_python(f"{code}\n\n{tests}\n", seconds=self.seconds, megabytes=self.megabytes)
            last.update(code=code, passed=passed, output=output)
            if not passed:
                raise Unfit(f"the program fails:\n{output[-600:]}")
            return dict(last)

        question = f"{task}{shown}\n\nAnswer with one ```python code block."
        try:
            answer = yield from ask(self.request(row, question), read=read, tries=self.tries)
        except CallFailed:
            if self.keep_failing and last:
                return dict(last)
            raise
        return answer.value


def run_python(program: str, *, seconds: float = 5.0, megabytes: int = 512) -> tuple[bool, str]:
    """Run a program by itself: whether it ended well, and the last 2,000 characters that it wrote."""
    with tempfile.TemporaryDirectory(prefix="lookalike-code-") as folder:
        path = Path(folder, "answer.py")
        path.write_text(program, encoding="utf-8")
        limits = _LIMITS.format(cpu=max(1, round(seconds)), memory=megabytes << 20)
        try:
            done = subprocess.run(  # noqa: S603  # our own interpreter, isolated; only with --allow-code
                [sys.executable, "-I", "-c", limits, str(path)],
                cwd=folder, env={"PATH": os.defpath, "LANG": "C.UTF-8"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=seconds + 2, check=False, start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False, f"it did not end within {seconds:g} s"
    output = done.stdout.decode("utf-8", "replace").replace(folder, ".")[-2000:]
    return done.returncode == 0, output or ("" if done.returncode == 0 else f"exit code {done.returncode}")
