"""Every block of the README and of the docs runs as it is written.

Blocks of one page run in order, in one empty folder. ```python blocks share one namespace; a ```yaml block whose first line is
`# file.yaml` is saved under that name and, when it is a recipe, checked; ```console and ```bash blocks run line by line. A fence
followed by ` no-run` is shown only, with its reason on the line before it as an HTML comment.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w+)(?P<rest>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
RUN = ("python", "yaml", "console", "bash")


def blocks(page):
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        body = "\n".join(line.removeprefix(match["indent"]) for line in match["body"].splitlines())
        yield match["kind"], match["rest"].strip(), body, text.count("\n", 0, match.start()) + 1, text[: match.start()]


def runnable(page):
    return [block for block in blocks(page) if block[0] in RUN and block[1] != "no-run"]


def test_every_block_that_is_not_run_says_why():
    """A block is only left out with a reason on the line before it."""
    for page in PAGES:
        for kind, rest, _, line, before in blocks(page):
            if kind in RUN and rest == "no-run":
                last = before.rstrip().splitlines()[-1]
                assert last.strip().startswith("<!--"), f"{page.relative_to(ROOT)}:{line}: no reason before a no-run block"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_runs_as_written(page, tmp_path):
    """A reader who types what the page says sees it work."""
    script = []
    for kind, _, body, line, _ in runnable(page):
        where = f"{page.relative_to(ROOT)}:{line}"
        if kind == "python":
            script.append(f"exec(compile({body!r}, {where!r}, 'exec'), namespace)")
        elif kind == "yaml":
            script.append(f"save({body!r}, {where!r})")
        else:
            script.append(f"shell({body!r}, {where!r})")
    prelude = (Path(__file__).parent / "snippet_runner.py").read_text()
    path = tmp_path / "_page.py"
    path.write_text(prelude + "\n" + "\n".join(script))
    work = tmp_path / "work"
    work.mkdir()
    bin_folder = str(Path(sys.executable).parent)
    env = {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "LOOKALIKE_EMBEDDED_MODEL": "smollm2-135m",
        "NO_COLOR": "1",
    }
    done = subprocess.run([sys.executable, str(path)], cwd=work, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
