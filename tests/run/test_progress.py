"""What a live view reads of a run."""

from pathlib import Path

import orjson
from rich.console import Console

from lookalike.cli.figures import clock, summary
from lookalike.cli.panel import PanelView
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, Pace, Progress, run

TEXT = """
name: seen
models:
  writer: {kind: scripted, replies: [one, two, three], concurrency: 4, fault: limited, fault_share: 0.1, price: {input: 1, output: 4}}
tables:
  a:
    rows: 60
    columns:
      word: {kind: prompt, model: writer, prompt: "say"}
      late: {kind: expression, sql: "upper(word)"}
    keep: ["word <> 'three'"]
  b:
    rows: {per: a, count: 2}
    columns: {x: {kind: uniform, low: 0, high: 1}}
"""


def watched(root, **options):
    """Run it, and note at each event what the view knows and shows."""
    progress, seen, shown = Progress(), [], []

    def look(event):
        if progress.table:
            tally = progress.tables[progress.table]
            seen.append((tally.done, tally.asked))
        for width in (60, 120):
            console = Console(width=width, file=None, record=True, force_terminal=False, quiet=False)
            with console.capture() as text:
                console.print(PanelView(progress))
            shown.append((width, text.get()))

    run(compile_plan(load(TEXT), root, partition_rows=7), root / "r", Options(**options), (look,), progress)
    return progress, seen, shown


def test_what_is_done_grows_to_what_was_asked_and_never_beyond(tmp_path):
    """Places filled are never more than were asked for, and all of them are filled at the end; a second run finds them filled."""
    progress, seen, _ = watched(tmp_path)
    assert all(asked is None or 0 <= done <= asked for done, asked in seen)
    a, b = progress.tables["a"], progress.tables["b"]
    assert (a.done, b.done) == (60, 120)
    assert a.outcomes.kept == 60
    assert a.outcomes.filtered > 0
    assert (a.waiting, a.judged.attempted) == (0, 0)
    again, seen, _ = watched(tmp_path)
    assert again.tables["a"].done == 60


def test_the_panel_fits_its_terminal(tmp_path):
    """At 60 and at 120 columns no line is longer than the terminal and no number is cut."""
    _, _, shown = watched(tmp_path)
    for width, text in shown:
        assert all(len(line) <= width for line in text.splitlines())
        assert "…" not in text
    last = shown[-1][1]
    assert "60 of 60" in last
    assert "filtered" in last
    assert "limited" in last
    assert "$0.0" in last


def test_plain_lines_say_the_same(tmp_path):
    """Without a terminal, one line a table and one a lane hold the same numbers."""
    progress, _, _ = watched(tmp_path)
    table, lane = summary(progress)
    assert table.startswith("b: 120 of 120 rows")
    assert lane.startswith("writer: ")
    assert "limited" in lane


def test_machines_are_told_now_and_then(tmp_path):
    """A progress event holds outcomes, lanes and the time left, and nothing that a model said."""
    text = TEXT.replace("concurrency: 4", "concurrency: 4, latency_s: 0.01")
    run(compile_plan(load(text), Path()), tmp_path / "r", Options(pace=Pace(sync_s=0.01, tell_s=0.0)))
    events = [orjson.loads(line) for line in (tmp_path / "r" / "events.jsonl").read_bytes().splitlines()]
    told = [event for event in events if event["event"] == "progress"]
    assert told
    assert told[-1]["lanes"]["writer"]["replies"] > 0
    assert told[-1]["table"] == "a"
    assert "three" not in orjson.dumps(told).decode()


def test_clocks_read_as_people_say_them():
    """Seconds, minutes and hours."""
    assert [clock(s) for s in (0, 59.4, 60, 187, 8100)] == ["0 s", "59 s", "1:00", "3:07", "2:15:00"]
