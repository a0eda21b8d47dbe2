"""Durations leave in one readable form and are read back."""

import pyarrow as pa
import pytest

import lookalike as la
from lookalike.export.flat import flat
from lookalike.export.tables import write_table
from lookalike.schema import durations

TICKS = [9_420, 0, None, -61, 86_400]
TEXTS = ["PT2H37M", "PT0S", None, "-PT1M1S", "PT24H"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_iso_8601_in_flat_files(unit):
    """Every unit writes the same text."""
    rate = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    cells = pa.array([None if tick is None else tick * rate for tick in TICKS], pa.duration(unit))
    assert flat(pa.record_batch({"took": cells}))["took"].to_pylist() == TEXTS


def test_every_digit_is_written():
    """Nanoseconds are not cut off."""
    assert durations.iso(pa.array([1_000_000_001, -5], pa.duration("ns"))).to_pylist() == ["PT1.000000001S", "-PT0.000000005S"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_durations_are_read_back_as_durations(ending, tmp_path):
    """What was written is taken for durations again, with the same values."""
    table = pa.table({"took": pa.array([60 * (i % 40) + i for i in range(200)], pa.duration("s"))})
    write_table(table, tmp_path / f"t.{ending}")
    back = la.read(str(tmp_path / f"t.{ending}"))
    column = la.look(back)["took"]
    assert (column.semantic, column.format) == ("duration", "PT")
    assert back["took"].to_pylist()[:2] == ["PT0S", "PT1M1S"]
