"""The contract suite of synthesizers, for ours and for those of plugins.

from lookalike.testing.synthesizers import check_synthesizer
def test_mine(): check_synthesizer(MySynthesizer())
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import rng
from lookalike.errors import LookalikeError, NotFitted, SynthesizerError, UnknownColumn, Unsatisfiable
from lookalike.schema.infer import infer
from lookalike.schema.types import TableSchema, arrow_type
from lookalike.synthesizers.base import Synthesizer


def example(n: int = 400, seed: int = 0) -> pa.Table:
    """A table with every common difficulty: a key, related columns, gaps, atoms, rare values, dates, mail addresses."""
    draws = rng.generator("check_synthesizer", seed)
    size = draws.choice(["small", "medium", "large"], n, p=[0.6, 0.3, 0.1])
    weight = np.round(np.where(size == "small", 10, np.where(size == "medium", 50, 200)) * draws.lognormal(0, 0.2, n), 2)
    visits = np.where(draws.random(n) < 0.5, 0, draws.poisson(6, n) + 1)
    score = np.where(draws.random(n) < 0.2, np.nan, draws.normal(0, 1, n) + (size == "large"))
    since = np.datetime64("2021-03-01", "s") + draws.integers(0, 800, n) * np.timedelta64(86_400, "s")
    return pa.table({
        "customer_id": [f"C-{i:06d}" for i in draws.permutation(10 * n)[:n]],
        "size": size,
        "weight": weight,
        "visits": visits,
        "score": pa.array(score, from_pandas=True),
        "active": draws.random(n) < 0.7,
        "since": pa.array(since),
        "city": [["Oslo", "Lima", "Rome"][i % 3] if i else "Ulm" for i in range(n)],
        "email": [f"user{i}@corp{i % 7}.com" for i in range(n)],
    })  # fmt: skip


def check_synthesizer(model: Synthesizer, *, table: pa.Table | None = None, only: Iterable[str] | None = None) -> None:
    """Assert what every synthesizer must do.

    Args:
        model: not fitted; small settings keep the check short.
        table: what it learns; `example()` when not given. The checks of conditions need the example's columns.
        only: names of `CHECKS`; all when not given.

    Raises:
        AssertionError: a part of the contract does not hold; the message says which.
    """
    kind = type(model)
    try:
        kind.model_validate(model.model_dump(by_alias=True)).sample(1)
    except NotFitted:
        pass
    else:
        raise AssertionError(f"{model.kind}: sample() before fit() must raise NotFitted")
    real = example() if table is None else table
    schema = infer(real)
    fitted = model.fit(real, schema, seed=1)
    for name, check in CHECKS.items():
        if only is None or name in set(only):
            try:
                check(fitted, real, schema)
            except LookalikeError as exc:
                raise AssertionError(f"{model.kind} {name}: {exc}") from exc


def _same_schema(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:
    """The sample has the schema's columns, in order and Arrow type, and as many rows as asked for."""
    for n in (0, 1, 57):
        sample = model.sample_arrow(n, seed=2)
        assert sample.num_rows == n, f"{sample.num_rows} rows instead of {n}"
        assert sample.column_names == real.column_names, "columns or their order differ"
        for column in schema.columns:
            assert sample.schema.field(column.name).type == arrow_type(column.arrow), f"{column.name}: Arrow type differs"


def _seeds(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:
    """The same seed gives the same rows, another seed others; a refit with one seed gives an equal model."""
    first = model.sample_arrow(64, seed=5)
    assert first.equals(model.sample_arrow(64, seed=5)), "the same seed gave other rows"
    assert first.slice(10, 20).equals(model.rows(10, 30, seed=5)), "a part of the rows is not the same rows"
    assert not first.equals(model.sample_arrow(64, seed=6)), "another seed gave the same rows"
    again = type(model).model_validate(model.model_dump(by_alias=True)).fit(real, schema, seed=1)
    assert first.equals(again.sample_arrow(64, seed=5)), "a second fit with the same seed gave another model"


def _saved(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:  # noqa: ARG001
    """A loaded model samples the same rows; a damaged or newer folder is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = model.save(Path(folder) / "model")
        loaded = type(model).load(path)
        assert loaded.sample_arrow(40, seed=3).equals(model.sample_arrow(40, seed=3)), "the loaded model differs"
        assert not list(path.rglob("*.pkl")), "a pickle was written"
        body = orjson.loads((path / "model.json").read_bytes())
        (path / "model.json").write_bytes(orjson.dumps({**body, "format": 10_000}))
        _raises(SynthesizerError, lambda: type(model).load(path), "a newer format")
        (path / "model.json").write_bytes(b"{")
        _raises(SynthesizerError, lambda: type(model).load(path), "a damaged folder")


def _values(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:
    """Categories are known ones, numbers lie in the learned range and on its grid, gaps appear where they were."""
    sample = model.sample_arrow(300, seed=7)
    for column in schema.columns:
        made, was = sample[column.name], real[column.name]
        if column.semantic in ("category", "boolean") and was.null_count == 0:
            assert set(made.to_pylist()) <= {*was.to_pylist(), "other"}, f"{column.name}: an unknown category"
        if column.semantic in ("integer", "decimal") and pa.types.is_floating(was.type):
            low, high = (pc.min_max(was).as_py()[key] for key in ("min", "max"))
            spread = (high - low) or 1.0
            ends = pc.min_max(made).as_py()
            assert ends["min"] is None or low - 0.2 * spread <= ends["min"], f"{column.name}: far below the range"
            assert ends["max"] is None or ends["max"] <= high + 0.2 * spread, f"{column.name}: far above the range"
        if column.decimals is not None and pa.types.is_floating(was.type):
            numbers = made.combine_chunks().drop_null().to_numpy(zero_copy_only=False)
            assert np.array_equal(np.round(numbers, column.decimals), numbers), f"{column.name}: more digits than learned"
        if was.null_count == 0:
            assert made.null_count == 0, f"{column.name}: nulls that were not learned"
        elif was.null_count > 0.1 * len(was):
            assert made.null_count > 0, f"{column.name}: its nulls were not learned"


def _keys(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:
    """Keys are unique and new; no direct identifier of the real table comes back."""
    sample = model.sample_arrow(300, seed=8)
    for column in schema.columns:
        if column.semantic == "id" and column.unique:
            assert pc.count_distinct(sample[column.name]).as_py() == 300, f"{column.name}: a key repeats"
        if column.semantic == "email":
            assert not set(sample[column.name].to_pylist()) & set(real[column.name].to_pylist()), f"{column.name}: a real value"


def _conditions(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:  # noqa: ARG001
    """Exact values, sets, ranges, shares and SQL hold on every row; what cannot hold is refused."""
    if "size" not in real.column_names:
        return
    names = model.sample_arrow(40, given={"size": "large"}, seed=9)
    assert names.num_rows == 40, "rows are missing under a condition"
    assert set(names["size"].to_pylist()) == {"large"}, "an exact value does not hold"
    either = model.sample_arrow(40, given={"size": ["small", "large"], "active": True}, seed=9)
    assert set(either["size"].to_pylist()) <= {"small", "large"}, "a set does not hold"
    assert all(either["active"].to_pylist()), "one of two conditions does not hold"
    within = model.sample_arrow(40, given={"visits": {"min": 3, "max": 8}}, seed=9)["visits"].to_pylist()
    assert all(3 <= value <= 8 for value in within), "a range does not hold"
    half = model.sample_arrow(40, given={"size": {"shares": {"small": 0.5, "medium": 0.5}}}, seed=9)["size"].to_pylist()
    assert half.count("small") == half.count("medium") == 20, "shares do not hold"
    asked = model.sample_arrow(40, given={"where": "visits > 2 and active"}, seed=9)
    assert all(v > 2 for v in asked["visits"].to_pylist()), "an SQL condition does not hold"
    assert all(asked["active"].to_pylist()), "an SQL condition does not hold"
    _raises(UnknownColumn, lambda: model.sample_arrow(5, given={"no_such_column": 1}), "an unknown column")
    _raises(Unsatisfiable, lambda: model.sample_arrow(5, given={"size": "gigantic"}), "a value that was never seen")
    _raises(Unsatisfiable, lambda: model.sample_arrow(5, given={"visits": {"min": 10**6}}), "an impossible range")


def _raises(error: type[LookalikeError], call: Callable[[], Any], what: str) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"{what} must raise {error.__name__}")


def _column_order(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:
    """A table whose columns come in another order is read by name."""
    turned = real.select(real.column_names[::-1])
    again = type(model).model_validate(model.model_dump(by_alias=True)).fit(turned, schema, seed=1)
    assert again.sample_arrow(30, seed=4).equals(model.sample_arrow(30, seed=4)), "the order of columns changed the rows"


def _bad_numbers(model: Synthesizer, real: pa.Table, schema: TableSchema) -> None:  # noqa: ARG001
    """No rows to fit, or less than none to draw, is one clear error."""
    fresh = type(model).model_validate(model.model_dump(by_alias=True))
    _raises(SynthesizerError, lambda: fresh.fit(real.slice(0, 0)), "an empty table")
    _raises(SynthesizerError, lambda: model.sample_arrow(-1), "a negative number of rows")


CHECKS: dict[str, Callable[[Synthesizer, pa.Table, TableSchema], None]] = {
    "schema": _same_schema, "seeds": _seeds, "saved": _saved, "values": _values, "keys": _keys, "conditions": _conditions,
    "column_order": _column_order, "bad_numbers": _bad_numbers,
}  # fmt: skip
