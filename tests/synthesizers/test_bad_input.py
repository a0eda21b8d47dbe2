"""Bad input ends with one clear error or a documented treatment, through the calls that users make."""

import datetime as dt
import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import lookalike as la
from lookalike.errors import LookalikeError, SchemaError, SynthesizerError, UnknownColumn, Unsatisfiable
from lookalike.registry import resolve
from lookalike.schema.semantics.grid import TickGrid
from lookalike.schema.types import ColumnSchema
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.features import Feature, decode
from lookalike.synthesizers.methods.copula import Copula
from lookalike.synthesizers.methods.independent import Independent
from lookalike.testing.synthesizers import example

KINDS = ["forest", "copula", "cart", "smote"]
ROWS = range(60)
REFUSED = {
    "no rows": (pa.table({"a": pa.array([], pa.int64())}), "no rows or no columns"),
    "no columns": (pd.DataFrame(), "no rows or no columns"),
    "no table": ([1, 2, 3], "a table was expected, not list"),
    "nothing": (None, "a table was expected, not NoneType"),
    "mixed types": (pd.DataFrame({"a": [1, "x", 2.5, None] * 5}), "column 'a' cannot be read, its cells are of type float, int, str"),
    "lists among numbers": (pd.DataFrame({"a": [1, [2]] * 5}), "column 'a' cannot be read, its cells are of type int, list"),
    "mixed rows": ([{"a": 1}, {"a": "x"}], "column 'a' cannot be read, its cells are of type int, str"),
    "complex numbers": (pd.DataFrame({"a": [1 + 2j] * 5}), "column 'a' cannot be read, its cells are of type complex"),
    "more than 64 bits": (pd.DataFrame({"a": [2**70, 1] * 5}), "column 'a' cannot be read, its cells are of type int"),
    "periods": (pd.DataFrame({"a": pd.period_range("2020-01", periods=9, freq="M")}), "column 'a' holds pandas.period"),
    "intervals": (pd.DataFrame({"a": pd.cut(pd.Series(range(9)), 3)}), "column 'a' holds pandas.interval"),
    "duplicate names": (pd.DataFrame([[1, 2]] * 9, columns=["a", "a"]), "duplicate column names: a"),
    "duplicate Arrow names": (pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]), "duplicate column names: a"),
    "empty name": (pd.DataFrame([[1, 2]] * 9, columns=["a", " "]), "a column has an empty name"),
    "no name": (pd.DataFrame([[1, 2]] * 9, columns=["a", None]), "a column has an empty name"),
}  # fmt: skip
LEARNED = {
    "one row": pa.table({"a": [1], "b": ["x"]}),
    "one column": pa.table({"a": np.linspace(0, 1, 60)}),
    "constant": pa.table({"a": [1] * 30, "b": ["x"] * 30}),
    "all null": pa.table({"a": pa.nulls(30), "b": pa.array([None] * 30, pa.float64())}),
    "ends of int64": pa.table({"a": [2**63 - 1, -(2**63), 0] * 20, "b": list(ROWS)}),
    "ends of uint64": pa.table({"a": pa.array([2**64 - 1, 0, 7] * 20, pa.uint64()), "b": list(ROWS)}),
    "ends of float64": pa.table({"a": [1e308, -1e308, 1e-300] * 20, "b": list(ROWS)}),
    "not a number": pa.table({"a": [float("nan"), 1.0, None] * 20, "b": list(ROWS)}),
    "dates beyond pandas": pd.DataFrame({"a": [dt.date(1066, 10, 14), dt.date(9999, 12, 31), None] * 20, "b": ROWS}),
    "moments beyond pandas": pd.DataFrame({"a": [dt.datetime(1066, 10, 14), dt.datetime(9999, 12, 31)] * 30, "b": ROWS}),  # noqa: DTZ001  # pandas' own are naive
    "dates as text": pd.DataFrame({"a": ["0001-01-01", "9999-12-31", "2020-05-05"] * 20, "b": ROWS}),
    "lists and dicts": pd.DataFrame({"a": [[1, 2], [3], [], None] * 15, "b": [{"x": 1, "y": "u"}] * 60}),
    "unused levels": pd.DataFrame({"a": pd.Categorical(["x", "y", None] * 20, categories=["x", "y", "z"]), "b": ROWS}),
    "bytes": pd.DataFrame({"a": [b"ab", b"\xff"] * 30, "b": ROWS}),
    "numbered columns": pd.DataFrame(np.arange(60.0).reshape(30, 2)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_tables_that_cannot_be_read_are_refused(what):
    """One error of ours that names the column and what to do, before anything is learned."""
    table, message = REFUSED[what]
    with pytest.raises(LookalikeError, match=message) as caught:
        la.mimic(table, synthesizer="copula")
    assert isinstance(caught.value, (SchemaError, SynthesizerError))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", LEARNED)
def test_odd_tables_are_learned(what, kind):
    """Odd tables give as many rows of their own columns, with values that were there or lie between them."""
    table = LEARNED[what]
    out = la.mimic(table, 20, synthesizer=kind)
    assert len(out) == 20
    assert type(out) is type(table)
    names = table.column_names if isinstance(table, pa.Table) else list(table.columns)
    assert list(out.column_names if isinstance(out, pa.Table) else out.columns) == names


@pytest.mark.parametrize("kind", KINDS)
def test_moments_beyond_pandas_keep_their_range(kind):
    """Years before 1678 and after 2261 neither overflow nor wrap around."""
    out = la.mimic(LEARNED["dates beyond pandas"], 40, synthesizer=kind)
    years = {value.year for value in out["a"] if value is not None}
    assert years
    assert min(years) >= 1066
    assert max(years) <= 9999


def test_whole_numbers_at_the_end_of_their_type_do_not_wrap():
    """The greatest unsigned number stays near where it was, and nothing turns negative."""
    out = la.mimic(LEARNED["ends of uint64"], 60, synthesizer="copula")["a"].to_pylist()
    assert max(out) > 2**63
    assert min(out) >= 0


@pytest.mark.parametrize("kind", [pa.uint8(), pa.int8(), pa.uint16(), pa.int32()])
def test_small_integers_stay_in_their_type(kind):
    """A noisy range that is wider than the type, as differential privacy learns it, is cut at the type's ends."""
    limits = np.iinfo(kind.to_pandas_dtype())
    feature = Feature("a", missing=False, grid=TickGrid(0, 1), ends=(-(2**40), 2**40))
    column = ColumnSchema("a", "integer", str(kind))
    made = decode(feature, column, np.array([-(2.0**40), 5.0, 2.0**40]))
    assert made.to_pylist() == [limits.min, 5, limits.max]


@pytest.mark.parametrize("kind", ["copula", "cart"])
def test_infinite_numbers_are_told(kind):
    """Infinite cells warn, and what comes back is finite."""
    table = pd.DataFrame({"a": [*np.linspace(0, 1, 200), np.inf, -np.inf], "b": range(202)})
    with pytest.warns(UserWarning, match="'a' has infinite values"):
        out = la.mimic(table, 50, synthesizer=kind)
    assert np.isfinite(out["a"].to_numpy()).all()


def test_repeated_keys_are_learned_as_references():
    """A column named as a key whose values repeat is made anew, repeats and all, and the schema says why."""
    table = pa.table({"customer_id": [1, 2, 3, 4, 5, 5, 7, 8] * 5 + list(range(100, 160)), "v": np.linspace(0, 1, 100)})
    model = la.fit(table, synthesizer="copula")
    assert "repeats" in model.schema_["customer_id"].reason
    assert not model.schema_["customer_id"].unique


CONDITIONS = {
    "unknown column": ({"sise": "large"}, UnknownColumn, "did you mean 'size'"),
    "unknown value": ({"size": "gigantic"}, Unsatisfiable, "gigantic.*large"),
    "outside the range": ({"weight": {"min": 1e9}}, Unsatisfiable, r"6\.17 to 288\.38"),
    "empty range": ({"weight": {"min": 10, "max": 5}}, Unsatisfiable, "weight"),
    "empty list": ({"size": []}, Unsatisfiable, "size"),
    "unknown share": ({"size": {"shares": {"zzz": 1.0}}}, Unsatisfiable, "zzz"),
    "of another type": ({"weight": "heavy"}, (SynthesizerError, Unsatisfiable), "heavy"),
    "no SQL": ({"where": "weight >"}, LookalikeError, "weight >"),
    "SQL over unknown columns": ({"where": "nope > 3"}, LookalikeError, "nope"),
    "identifier": ({"customer_id": 7}, (SynthesizerError, UnknownColumn), "customer_id"),
    "contradictory": ({"size": "small", "where": "size = 'large'"}, Unsatisfiable, "size"),
    "no mapping": (["size"], SynthesizerError, "not a mapping"),
}


@pytest.fixture(scope="module")
def models():
    return {kind: resolve("synthesizer", kind)().fit(example(300)) for kind in ("forest", "copula", "cart")}


@pytest.mark.parametrize("kind", ["forest", "copula", "cart"])
@pytest.mark.parametrize("what", CONDITIONS)
def test_conditions_that_cannot_hold_are_refused(models, kind, what):
    """The error names the column, and what it holds or might have been meant."""
    given, error, message = CONDITIONS[what]
    with pytest.raises(error, match=message):
        models[kind].sample(5, given=given)


@pytest.mark.parametrize("n", [-1, 2.5, "3", None, True])
def test_numbers_of_rows_that_are_none_are_refused(models, n):
    """Rows are counted in whole numbers, for every method."""
    for model in models.values():
        with pytest.raises(SynthesizerError, match="whole number of rows"):
            model.sample(n)


CONTRADICTIONS = {
    "ranges apart": ([{"kind": "range", "column": "weight", "low": 5}, {"kind": "range", "column": "weight", "high": 1}],
                     "ranges of 'weight' do not meet"),
    "a cycle": ([{"kind": "inequality", "low": a, "high": b, "strict": True} for a, b in (("weight", "visits"), ("visits", "weight"))],
                "contradicts another inequality"),
    "rules": ([{"kind": "rule", "sql": "visits > 2"}, {"kind": "rule", "sql": "visits <= 2"}],
              r"rule sql=visits > 2 broken by \d+, rule sql=visits <= 2 broken by \d+"),
    "more rows than values": ([{"kind": "unique", "columns": ["size"]}], r"only 3 of 20 rows .* unique columns=\('size',\) broken by \d+"),
    "range of a text": ([{"kind": "range", "column": "size", "low": 3}], r"range column=size, low=3 does not fit its columns \(size: string\)"),
    "text against number": ([{"kind": "inequality", "low": "size", "high": "weight"}], "does not fit its columns"),
    "one-hot texts": ([{"kind": "one_hot", "columns": ["size", "city"]}], "one_hot .* does not fit its columns"),
    "unknown column": ([{"kind": "sum", "parts": ["visit"], "total": "weight"}], "did you mean 'visits'"),
    "unknown formula": ([{"kind": "formula", "column": "weight", "sql": "nope * 2"}], "nope"),
}  # fmt: skip


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_contradictory_constraints_name_themselves(what):
    """Constraints that cannot hold say which, and how often when rows were tried."""
    constraints, message = CONTRADICTIONS[what]
    model = resolve("synthesizer", "constrained").model_validate({"base": {"kind": "independent"}, "constraints": constraints})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the real table itself breaks")
        with pytest.raises(LookalikeError, match=message):
            model.fit(example(300)).sample(20)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return Copula().fit(example(60)).save(tmp_path_factory.mktemp("models") / "model")


DAMAGE = {
    "newer": (lambda body: body.update(format=99), "format 99, this version reads up to"),
    "no number": (lambda body: body.update(format="x"), "no model"),
    "a changed number": (lambda body: body["meta"]["features"][0].update(high=1e9), "damaged"),
    "a lost part": (lambda body: body.pop("schema"), "damaged"),
    "old and broken": (lambda body: (body.pop("digest"), body["schema"].clear()), "damaged"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged_models_are_not_sampled(saved, tmp_path, what):
    """A model folder of a newer version, or changed since it was written, is refused with its path."""
    change, message = DAMAGE[what]
    folder = shutil.copytree(saved, tmp_path / "m")
    body = json.loads((folder / "model.json").read_text())
    change(body)
    (folder / "model.json").write_text(json.dumps(body))
    with pytest.raises(SynthesizerError, match=message) as caught:
        Synthesizer.load(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: f.write_bytes(f.read_bytes()[:-40]), "damaged"),
        (lambda f: f.unlink(), "No such file"),
        (lambda f: f.write_bytes(b""), "damaged"),
    ],
    ids=["cut", "lost", "empty"],
)
def test_models_with_broken_arrays_are_not_sampled(saved, tmp_path, harm, said):
    """Cut, lost and empty arrays are refused."""
    folder = shutil.copytree(saved, tmp_path / "m")
    harm(folder / "arrays.arrow")
    with pytest.raises(SynthesizerError, match=said):
        Synthesizer.load(folder)


@pytest.mark.filterwarnings("ignore:no level of")  # of private methods on few rows
@pytest.mark.parametrize("kind", ["forest", "copula", "smote", "mst", "aim"])
def test_interrupted_fits_leave_the_old_model(kind):
    """Ctrl-C while a second table is being learned: the first model still samples."""

    class Interrupted(resolve("synthesizer", kind)):
        def _fit(self, table, *args, **kwargs):
            if "other" in table.column_names:
                raise KeyboardInterrupt
            super()._fit(table, *args, **kwargs)

    model = Interrupted().fit(example(80))
    before = model.sample(10, seed=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(pa.table({"other": [1, 2, 3]}))
    assert model.sample(10, seed=1).equals(before)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "message"), [
    ("", "people.csv"),
    ("a,b\n", "no rows"),
    ("a,a\n1,2\n3,4\n", "duplicate column names: a"),
])  # fmt: skip
def test_the_command_line_says_it_in_one_error(tmp_path, text, message):
    """`lookalike mimic` of a file without rows, or with one name twice, ends without a traceback."""
    (tmp_path / "people.csv").write_text(text)
    command = [str(Path(sys.executable).with_name("lookalike")), "mimic", "people.csv", "-o", "out.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert message in said
    assert done.returncode == 4


def test_ten_thousand_categories_come_back_from_their_own():
    """A category of 10,000 levels gives none that was not there."""
    table = pa.table({"a": [f"v{i % 10_000}" for i in range(12_000)], "b": np.arange(12_000) % 7})
    out = Independent().fit(table).sample(500)
    assert set(out["a"].to_pylist()) <= set(table["a"].to_pylist())
