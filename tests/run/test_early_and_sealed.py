"""What `lookalike run` adds to the engine: it ends early when a gate is lost, and seals what it has made."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike import api
from lookalike.cli import main
from lookalike.errors import GateFailed
from lookalike.export.sign import new_key
from lookalike.plan import compile_plan


def learned(folder, gates):
    """The plan of a recipe that learns a small table and samples ten times as many rows."""
    draw = np.random.default_rng(0)
    pq.write_table(pa.table({"a": draw.normal(size=300), "b": draw.integers(0, 5, 300)}), folder / "real.parquet")
    recipe = {
        "lookalike": 1,
        "name": "early",
        "sources": {"real": {"kind": "file", "path": "real.parquet"}},
        "tables": {"t": {"rows": {"like": "real", "n": 3000, "synthesizer": {"kind": "independent"}}}},
        "gates": gates,
    }
    return compile_plan(api.load(recipe), Path(), partition_rows=100)


def test_a_lost_gate_ends_a_run_early_and_without_it_the_run_goes_on(in_folder):
    """A bound that can no longer be reached stops the run as a failed gate that says where it stands; the rest is made without it."""
    impossible = [{"metric": "validity", "min": 1.01}]
    made = learned(in_folder, impossible)
    with pytest.raises(GateFailed, match=r"validity is .* after \d+ rows") as stop:
        api.make(made, "r", stop_early=True)
    assert stop.value.exit_code == 1
    assert len(list((in_folder / "r" / "tables" / "t").glob("*.parquet"))) < 30
    free = learned(in_folder, [{"metric": "validity", "min": 0.01}])
    assert api.make(free, "r", stop_early=True).table("t").num_rows == 3000


def test_gates_that_a_stream_cannot_decide_never_stop_a_run(in_folder):
    """A gate on the discriminator is for the report."""
    made = learned(in_folder, [{"metric": "c2st", "max": 0.0}])
    assert api.make(made, "r", stop_early=True).table("t").num_rows == 3000


def test_a_finished_run_is_sealed_with_the_configured_key(in_folder, monkeypatch):
    """With a key in the environment `run` signs every file; a changed byte is told by `verify`; running again takes the old seal off."""
    public = new_key(in_folder / "key.pem")
    (in_folder / "r.yaml").write_text(
        "lookalike: 1\nname: s\ntables: {t: {rows: 5, columns: {x: {kind: uniform, low: 0, high: 1}}}}\n"
    )

    def command(*words):
        with pytest.raises(SystemExit) as done:
            main(words)
        return done.value.code or 0

    monkeypatch.setenv("LOOKALIKE_SIGNING_KEY", str(in_folder / "key.pem"))
    assert command("run", "r.yaml", "-o", "out", "-q") == 0
    assert api.verify("out", key=public) == []
    assert command("run", "r.yaml", "-o", "out", "-q") == 0
    assert api.verify("out", key=public) == []
    part = next((in_folder / "out" / "tables" / "t").glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b"x")
    assert any("was changed" in problem for problem in api.verify("out", key=public))
    assert command("verify", "out") == 1
    monkeypatch.delenv("LOOKALIKE_SIGNING_KEY")
    part.unlink()
    assert command("run", "r.yaml", "-o", "out", "-q") == 0
    assert not (in_folder / "out" / "SHA256SUMS").exists()
