"""Waiting for a fit or a sample: how far it is, what it chose, and Ctrl-C."""

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from lookalike import api
from lookalike.api import tables
from lookalike.cli import waiting as waits
from lookalike.cli.app import app
from lookalike.synthesizers.methods.auto import Auto
from lookalike.synthesizers.methods.independent import Independent
from lookalike.synthesizers.watch import tell, watched
from lookalike.testing.synthesizers import example


def test_a_log_gets_a_line_now_and_then(capsys):
    """Without a terminal a line comes at most every so many seconds, with what goes on and how far it is."""
    now = [0.0]
    with waits.waiting("learning", clock=lambda: now[0]) as move, watched(move):
        for epoch in range(10):
            now[0] += waits.PLAIN_S / 4
            tell(f"epoch {epoch + 1} of 10", epoch / 10)
    assert capsys.readouterr().out.splitlines() == ["learning: epoch 4 of 10, 30%", "learning: epoch 8 of 10, 70%"]


def test_ctrl_c_says_that_it_stopped(capsys):
    """An interrupted wait says so and goes on as an interrupt."""
    with pytest.raises(KeyboardInterrupt), waits.waiting("learning"):
        raise KeyboardInterrupt
    assert capsys.readouterr().out == "stopped\n"


def test_nobody_is_told_outside():
    """Without a watcher, and after one has left, telling does nothing."""
    heard = []
    with watched(lambda what, share: heard.append(what)):
        tell("in", 0.5)
    tell("out", 0.6)
    assert heard == ["in"]


def test_fit_says_what_it_chose_and_why(tmp_path, monkeypatch):
    """`lookalike fit --synthesizer auto` prints the bake-off's sentence."""
    pq.write_table(example(300), tmp_path / "t.parquet")
    monkeypatch.setattr(Auto, "model_post_init", lambda self, _: object.__setattr__(self, "kinds", ("copula", "independent")))
    done = CliRunner().invoke(app, ["fit", str(tmp_path / "t.parquet"), "-o", str(tmp_path / "m"), "--synthesizer", "auto"])
    assert done.exit_code == 0, done.output
    assert "told from real rows with AUC" in done.output


def test_many_rows_are_written_a_few_at_a_time(tmp_path, monkeypatch):
    """Above the limit rows are drawn in batches; the file holds them all, in order, and the watcher sees them come."""
    monkeypatch.setattr(tables, "HELD_ROWS", 1000)
    model, heard = Independent().fit(example(200)), []
    with watched(lambda what, share: heard.append((what, share))):
        assert api.sample(model, 150_000, tmp_path / "many.parquet", seed=3) == 150_000
    assert [what for what, _ in heard] == ["65,536 rows", "131,072 rows", "150,000 rows"]
    assert heard[-1][1] == 1.0
    names = ["customer_id", "size", "visits"]
    written, whole = pq.read_table(tmp_path / "many.parquet"), model.sample_arrow(150_000, seed=3)
    assert written.select(names).to_pydict() == whole.select(names).to_pydict()
