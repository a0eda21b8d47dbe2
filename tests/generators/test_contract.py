import pyarrow as pa
import pytest

from lookalike.generators.base import Generator, ModelColumn
from lookalike.registry import builtins, resolve
from lookalike.steps.base import Step
from lookalike.testing.generators import MemoryTables, check_generator, check_step

TABLES = MemoryTables(
    {
        "people": pa.table(
            {"city": ["Rome", "Oslo", "Lima"], "who": ["a", "b", "c"], "text": ["one two", "three four", "five six"]}
        )
    }
)
EXAMPLES = {
    "address": {},
    "bernoulli": {"p": 0.3},
    "binomial": {"n": 10, "p": 0.4},
    "category": {"by": "s", "values": {"red": {"a": 1}, "green": {"a": 1, "b": 2}, "*": {"c": 1}}},
    "company": {},
    "constant": {"value": 5},
    "datetime": {"start": "2024-01-01", "end": "2024-12-31"},
    "exponential": {"mean": 2},
    "expression": {"sql": "n * 2 + x"},
    "function": {"path": "operator:itemgetter"},
    "integer": {"low": 1, "high": 6},
    "lognormal": {"mean": 1, "sd": 0.5},
    "lookup": {"source": "people", "column": "city"},
    "mixture": {
        "parts": [
            {"weight": 2, "of": {"kind": "normal", "mean": 0, "sd": 1}},
            {"weight": 1, "of": {"kind": "uniform", "low": 5, "high": 9}},
        ]
    },
    "normal": {"mean": 0, "sd": 1, "low": -1},
    "pattern": {"regex": "[A-Z]{2}-\\d{4}"},
    "person": {"locale": "en_US"},
    "poisson": {"mean": 3},
    "scipy": {"distribution": "gamma", "params": {"a": 2.0}},
    "sequence": {"start": 10, "step": 2},
    "subcategory": {"by": "s", "values": {"red": ["r1", "r2"], "green": ["g"], "blue": ["b"]}},
    "template": {"template": "{{ s }} {{ n }}"},
    "timedelta": {"low": "1h", "high": "3d"},
    "uniform": {"low": 0, "high": 1, "decimals": 3},
    "uuid": {},
    "validate": {"sql": "n > 2"},
}
STEPS = {
    "balance": {"on": "s", "most": 5},
    "dedup": {"on": "s", "method": "exact"},
    "filter": {"where": "n > 2"},
    "redact": {"columns": ["text"]},
    "sample": {"share": 0.5},
}


def spec(kind):
    return resolve("generator", kind).model_validate(EXAMPLES[kind])


BLOCKS = [
    kind
    for kind, where in builtins("generator").items()
    if ".text." not in where and not issubclass(resolve("generator", kind), ModelColumn)
]


def test_every_block_kind_has_an_example():
    """A new kind is tested before its author writes a test."""
    assert sorted(BLOCKS) == sorted(EXAMPLES)


@pytest.mark.parametrize("kind", sorted(set(EXAMPLES) - {"function"}))
def test_every_generator_keeps_the_contract(kind):
    """Same values for any cut and order of rows, honest needs, a round trip through plain data."""
    check_generator(spec(kind), tables=TABLES)


def test_a_generator_that_streams_its_randomness_is_caught():
    """The suite fails a kind whose values depend on how rows are cut."""

    class Streamed(Generator):
        kind = "streamed"

        def generate(self, batch, ctx):
            return pa.array(range(len(batch)))

    with pytest.raises(AssertionError, match="batches of 1 give other values"):
        check_generator(Streamed())


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_every_step_keeps_the_contract(kind):
    """Rows are kept or dropped with a reason, and cuts change nothing."""
    check_step(resolve("step", kind).model_validate(STEPS[kind]))


def test_a_step_that_loses_rows_is_caught():
    """The suite fails a step that drops a row without saying so."""

    class Loser(Step):
        kind = "loser"

        def apply(self, batch, ctx):
            from lookalike.steps.base import Kept

            return Kept(batch.take(batch.ids < 10))

    with pytest.raises(AssertionError, match="not the rows that came in"):
        check_step(Loser())
