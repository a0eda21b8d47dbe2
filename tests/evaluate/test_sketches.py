"""Streams: states that merge, and gates that are lost before the end."""

import pyarrow as pa
import pytest

from lookalike.errors import MetricError
from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.sketches import Reference, Sketch


@pytest.fixture(scope="module")
def reference(real):
    return Reference.of(real)


def test_batches_and_partitions_give_one_state(reference, good):
    """Any cut into batches, added or merged in any order, gives the same values."""
    whole = Sketch(reference).add(good).values()
    parts = [Sketch(reference).add(good.slice(i, 700)) for i in range(0, good.num_rows, 700)]
    merged = parts.pop()
    for part in parts:
        merged.merge(part)
    assert merged.values() == pytest.approx(whole, abs=1e-12)


def test_values_are_those_of_the_whole_evaluation(reference, real, good):
    """Validity is the evaluation's, and copies of real rows are counted."""
    half = pa.concat_tables([good.slice(0, 2700), real.slice(0, 300)])
    values = Sketch(reference).add(half).values()
    assert values["validity"] == pytest.approx(evaluate(real, half, only="validity")["validity"].value)
    assert values["identical_share"] == pytest.approx(0.1)
    assert values["marginals"] > 0.9


def test_a_gate_is_lost_only_when_nothing_can_save_it(reference, real, good):
    """With enough rows to come nothing is lost; when even perfect rows cannot repair it, it is, and says so."""
    sketch = Sketch(reference).add(real.slice(0, 100)).add(good.slice(0, 900))
    gate = {"metric": "identical_share", "max": 0.01}
    assert sketch.lost([gate], of=1_000_000) == []
    assert "identical_share is 0.1 after 1,000 rows" in sketch.lost([gate], of=5_000)[0]
    assert sketch.lost([gate | {"severity": "warn"}], of=1_000) == []


def test_marginal_gates_are_lost_early(reference, real):
    """A generator that makes one job only has lost the gate on that column after part of its rows."""
    one = real.set_column(1, "job", pa.array(["clerk"] * real.num_rows))
    sketch = Sketch(reference).add(one)
    assert sketch.lost([{"metric": "marginals.job", "min": 0.9}], of=100_000) == []
    assert sketch.lost([{"metric": "marginals.job", "min": 0.9}], of=4_000)


def test_missing_column(reference, good):
    """A batch without a column is an error that names it."""
    with pytest.raises(MetricError, match="'age'"):
        Sketch(reference).add(good.drop_columns(["age"]))
