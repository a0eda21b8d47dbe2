"""The forest: fidelity, privacy, determinism, saving, hard tables."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lookalike.errors import NotFitted, SchemaError, SynthesizerError, UnknownColumn
from lookalike.registry import resolve
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.forest import kernels, learn, smoothing
from lookalike.synthesizers.forest.model import Forest
from lookalike.synthesizers.series import BLOCK
from lookalike.synthesizers.watch import watched
from lookalike.testing.synthesizers import check_synthesizer


def people(n: int = 3000, seed: int = 0) -> pa.Table:
    """Columns with known dependence: town decides state, age drives income, gaps of income hang on job."""
    g = np.random.default_rng(seed)
    age = g.integers(18, 80, n)
    job = np.where(g.random(n) < 0.3, "none", np.where(age > 50, "boss", "clerk"))
    income = np.exp(7 + 0.02 * age + g.normal(0, 0.3, n)).round(2)
    town = g.integers(0, 12, n)
    return pa.table(
        {
            "age": age,
            "job": job.tolist(),
            "income": pa.array(income, mask=job == "none"),
            "town": [f"t{t}" for t in town],
            "state": [f"s{t // 4}" for t in town],
            "low": g.integers(0, 50, n),
            "active": g.random(n) < 0.9,
        }
    )


SCHEMA = TableSchema(
    (
        ColumnSchema("age", "integer", "int64"),
        ColumnSchema("job", "category", "string"),
        ColumnSchema("income", "decimal", "double", nullable=True, decimals=2),
        ColumnSchema("town", "category", "string"),
        ColumnSchema("state", "category", "string"),
        ColumnSchema("low", "integer", "int64"),
        ColumnSchema("active", "boolean", "bool"),
    )
)


@pytest.fixture(scope="module")
def fitted() -> Forest:
    return Forest().fit(people(), SCHEMA)


def test_kind_is_registered():
    """Recipes find it as `forest`."""
    assert resolve("synthesizer", "forest") is Forest


def test_it_keeps_the_contract():
    """Schema, seeds, saving, values, keys, conditions and column order hold as for every synthesizer."""
    check_synthesizer(Forest())


def test_schema_and_shape_are_kept(fitted):
    """Samples have the columns, order and Arrow types of the table, and as many rows as asked for."""
    for n in (0, 1, 777):
        sample = fitted.sample(n)
        assert sample.num_rows == n
        assert sample.schema.names == people(10).schema.names
        assert [field.type for field in sample.schema] == [field.type for field in people(10).schema]


def test_dependence_is_learned(fitted):
    """Rank correlation, shares and gaps of 10,000 rows lie near those of fresh rows of the same world."""
    real, made = people(10_000, seed=9), fitted.sample(10_000)
    for table in (real, made):
        assert set(pc.unique(table["job"]).to_pylist()) == {"none", "boss", "clerk"}

    def facts(table):
        rows = table.filter(pc.is_valid(table["income"]))
        age, income = rows["age"].to_numpy().astype(float), np.log(rows["income"].to_numpy())
        boss = pc.mean(pc.equal(table["job"], "boss").cast(pa.float64())).as_py()
        return np.corrcoef(age, income)[0, 1], age.mean(), age.std(), income.std(), boss

    assert np.allclose(facts(made), facts(real), rtol=0.06)


def test_gaps_hang_on_what_they_hung_on(fitted):
    """Income is missing exactly where the job is none."""
    made = fitted.sample(5000)
    gone = made["income"].is_null().to_numpy()
    none = np.array(made["job"].to_pylist()) == "none"
    assert (gone == none).mean() > 0.999


def test_functional_dependencies_hold(fitted):
    """Every town lies in its own state, in every row."""
    rows = fitted.sample(5000).select(["town", "state"]).to_pylist()
    assert all(int(row["state"][1:]) == int(row["town"][1:]) // 4 for row in rows)


def test_rules_of_the_schema_hold():
    """An inequality that held on all rows holds on all that are made."""
    g = np.random.default_rng(0)
    start = g.normal(size=2000).round(3)
    table = pa.table({"a": start, "b": start + g.exponential(0.2, 2000).round(3)})
    schema = TableSchema(tuple(ColumnSchema(n, "decimal", "double", decimals=3) for n in "ab"), rules=('"a" <= "b"',))
    made = Forest().fit(table, schema).sample(3000)
    assert pc.all(pc.less_equal(made["a"], made["b"])).as_py()


def test_same_seed_same_rows_for_any_thread_count(fitted):
    """Model and rows are equal to the bit for one thread and three, and differ for another seed."""
    n = BLOCK + 500
    one = Forest(threads=1).fit(people(), SCHEMA).sample(n, seed=4)
    three = Forest(threads=3).fit(people(), SCHEMA).sample(n, seed=4)
    assert one.equals(three)
    assert one.equals(fitted.sample(n, seed=4))
    assert not one.equals(fitted.sample(n, seed=5))


def test_batches_hold_the_rows_of_one_sample(fitted):
    """Streaming gives the same rows, a few at a time, and sequences go on."""
    n = 2 * BLOCK + 10
    parts = list(fitted.sample_batches(n, rows=1000, seed=2))
    assert [part.num_rows for part in parts] == [1000] * 32 + [n - 32_000]
    assert pa.concat_tables(parts).combine_chunks().equals(fitted.sample(n, seed=2).combine_chunks())
    table = people(600).append_column("id", pa.array(range(600)))
    schema = TableSchema((*SCHEMA.columns, ColumnSchema("id", "id", "int64", format="sequence", unique=True)), key="id")
    ids = [part["id"] for part in Forest(thin=False).fit(table, schema).sample_batches(BLOCK + 7, rows=1)]
    assert pa.chunked_array([chunk for part in ids for chunk in part.chunks]).to_pylist() == list(range(BLOCK + 7))


def test_saved_model_gives_the_same_rows(fitted, tmp_path, least_cpu):
    """Save and load are exact, small and quick; the folder holds no code."""
    fitted.save(tmp_path / "model")
    again = Synthesizer.load(tmp_path / "model")
    assert least_cpu(lambda: Synthesizer.load(tmp_path / "model")) < 0.5
    assert again.sample(3000, seed=3).equals(fitted.sample(3000, seed=3))
    assert sum(file.stat().st_size for file in (tmp_path / "model").iterdir()) < 1_000_000
    assert {file.name for file in (tmp_path / "model").iterdir()} == {"model.json", "arrays.arrow"}


@pytest.mark.parametrize("damage", ["cut", "text", "newer", "gone", "lost"])
def test_damaged_model_is_one_clear_error(fitted, tmp_path, damage):
    """A folder that is cut off, overwritten, newer, missing or incomplete is a SynthesizerError."""
    folder = fitted.save(tmp_path / "model")
    if damage == "cut":
        data = (folder / "arrays.arrow").read_bytes()
        (folder / "arrays.arrow").write_bytes(data[: len(data) // 2])
    elif damage == "text":
        (folder / "model.json").write_text("{")
    elif damage == "newer":
        (folder / "model.json").write_text((folder / "model.json").read_text().replace('"format": 1', '"format": 99'))
    elif damage == "gone":
        (folder / "arrays.arrow").unlink()
    else:
        (folder / "model.json").write_text((folder / "model.json").read_text().replace('"bags"', '"bogs"'))
    with pytest.raises(SynthesizerError):
        Synthesizer.load(folder)


def test_identical_rows_stay_below_the_rate_of_fresh_real_rows():
    """Of a table that repeats few rows, the sample repeats fewer of its rows than fresh rows of the same world do."""
    g = np.random.default_rng(0)
    columns = {f"c{i}": g.integers(0, 4, 3000) for i in range(6)}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    schema = TableSchema(tuple(ColumnSchema(name, "category", "int64") for name in columns))
    fresh = pa.table({f"c{i}": g.integers(0, 4, 3000) for i in range(6)})
    made = Forest(alpha=0.0, min_leaf=1, k=1).fit(table, schema).sample(3000)
    known = set(map(tuple, (row.values() for row in table.to_pylist())))

    def rate(other):
        return np.mean([tuple(row.values()) in known for row in other.to_pylist()])

    assert rate(made) <= rate(fresh) + 0.02


def test_leaves_hold_k_rows():
    """No leaf is smaller than k, whatever min_leaf says."""
    model = Forest(k=25, min_leaf=1, thin=False).fit(people(1000), SCHEMA)
    for bag in model._model.bags:
        if bag.source < 0:
            assert bag.size[(bag.nodes & kernels.LEAF) == kernels.LEAF].min() >= 25


def smoothed(deck: list[int], near: list[int], key: int, *, usual: float = 10.0) -> np.ndarray:
    """One leaf after `smooth`, among rows like `near`, of a table whose codes have `usual` rows each."""
    out, size = np.array(deck, np.int32), np.array([len(deck)], np.int32)
    around = np.zeros(1, np.int32), np.array([len(near)], np.int32), np.array(near, np.int32)
    smoothing.smooth(np.zeros(1, np.int32), size, out, around, np.full(1001, usual), key)
    return out


def test_no_row_vouches_for_a_number_alone():
    """In a leaf a number that one row has moves between its neighbours; missing ones and the other rows of repeated ones stay."""
    before = [0, 100, 140, 180, 180, 300]
    moved = np.stack([smoothed(before, [], key) for key in range(200)])
    assert (moved[:, 0] == 0).all()
    assert (moved == 180).any(1).all()  # the other row's
    assert moved[:, 1:].min() >= 100
    assert moved.max() <= 300
    assert (np.diff(moved) >= 0).all()
    assert np.mean(moved[:, 2] == 140) < 0.1
    assert moved[:, 1:].mean() == pytest.approx(np.mean(before[1:]), abs=25)


def test_numbers_move_to_where_the_rows_around_have_them():
    """Where all rows around a leaf lie on a grid, what moves stays on it; a number that others around share may stay."""
    grid = sorted(list(range(100, 301, 20)) * 9)
    moved = np.stack([smoothed([100, 140, 180, 220, 300], grid, key) for key in range(300)])
    assert (moved % 20 == 0).all()
    assert 0.1 < np.mean(moved[:, 2] == 180) < 0.9


def test_identifiers_are_made_anew():
    """No mail address and no key of the table comes back, and new keys are unique."""
    table = pa.table({"id": [f"A-{i:05d}" for i in range(400)], "mail": [f"p{i}@x.org" for i in range(400)], "v": [1, 2] * 200})
    schema = TableSchema(
        (
            ColumnSchema("id", "id", "string", format="A-[0-9]{5}", unique=True),
            ColumnSchema("mail", "email", "string", unique=True),
            ColumnSchema("v", "integer", "int64"),
        ),
        key="id",
    )
    made = Forest().fit(table, schema).sample(500)
    assert pc.count_distinct(made["id"]).as_py() == 500
    assert not set(made["mail"].to_pylist()) & set(table["mail"].to_pylist())


def test_target_is_drawn_last():
    """The column to predict is drawn from all others."""
    model = Forest(target="job", thin=False).fit(people(800), SCHEMA)
    assert model._model.codings[model._model.bags[-1].column].schema.name == "job"
    with pytest.raises(UnknownColumn, match="jobs"):
        Forest(target="jobs").fit(people(100), SCHEMA)


def test_more_time_grows_more_trees():
    """Rounds of trees are grown until the budget is used, or 64 are enough; one that is over at once still grows the first."""
    trees = Forest().trees
    none, some = (Forest(thin=False).fit(people(300), SCHEMA, budget_s=seconds) for seconds in (0.0, 20.0))
    assert max(len(bag.roots) for bag in none._model.bags) == trees
    assert max(len(bag.roots) for bag in some._model.bags) > trees


def test_frames_come_back_as_they_came():
    """A pandas frame is answered by a pandas frame."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2, 3] * 10, "b": list("xyz") * 10})
    assert isinstance(Forest().fit(frame).sample(5), pandas.DataFrame)


def test_interrupted_fit_keeps_the_old_model():
    """A fit that is stopped half way, once its trees are grown, leaves what was learned before."""
    model = Forest().fit(people(600), SCHEMA)
    before = model.sample(50)

    def stopped(what, share):
        if share > 0.5:
            raise KeyboardInterrupt

    with watched(stopped), pytest.raises(KeyboardInterrupt):
        model.fit(people(900, seed=3), SCHEMA)
    assert model.sample(50).equals(before)


def test_unfitted_forest_says_so():
    """Sampling before fitting is NotFitted."""
    with pytest.raises(NotFitted):
        Forest().sample(3)


# --- hard tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2, 7, 30])
def test_a_handful_of_rows(rows):
    """Tables of one row and a few can be learned; values stay in range."""
    made = Forest().fit(people(rows), SCHEMA).sample(20)
    assert made.num_rows == 20
    low, high = pc.min_max(people(rows)["age"]).as_py().values()
    assert low <= pc.min(made["age"]).as_py() <= pc.max(made["age"]).as_py() <= high


@pytest.mark.parametrize(
    ("semantic", "values"),
    [
        ("integer", pa.array(range(100))),
        ("constant", pa.array(["x"] * 100)),
        ("empty", pa.nulls(100)),
        ("empty", pa.array([None] * 100, pa.float64())),
        ("decimal", pa.array([np.nan, np.inf, -np.inf, 1.5] * 25)),
        ("decimal", pa.array([0.0] * 99 + [1e300])),
    ],
)
def test_one_column(semantic, values):
    """One column alone: a sequence of numbers, a constant, nothing, NaN and infinity, one monstrous outlier."""
    table = pa.table({"c": values})
    made = Forest().fit(table, TableSchema((ColumnSchema("c", semantic, str(values.type)),))).sample(60)
    assert made.num_rows == 60
    if semantic == "empty":
        assert made["c"].null_count == 60
    if semantic == "constant":
        assert set(made["c"].to_pylist()) == {"x"}


def test_nothing_to_learn_from_is_refused():
    """A table without rows or without columns is an error."""
    with pytest.raises(SynthesizerError, match="no rows"):
        Forest().fit(people(0), SCHEMA)


def test_ten_thousand_categories():
    """Categories beyond the bins keep their frequencies and what depends on them."""
    g = np.random.default_rng(0)
    level = np.minimum(g.zipf(1.3, 20_000), 10_000)
    table = pa.table({"level": [f"v{i}" for i in level], "even": (level % 2 == 0).tolist()})
    schema = TableSchema((ColumnSchema("level", "category", "string"), ColumnSchema("even", "boolean", "bool")))
    made = Forest().fit(table, schema).sample(5000)
    numbers = np.array([int(v[1:]) for v in made["level"].to_pylist()])
    assert abs((numbers == 1).mean() - (level == 1).mean()) < 0.02
    assert (np.array(made["even"].to_pylist()) == (numbers % 2 == 0)).all()


def test_two_thousand_columns_stay_affordable():
    """Each of 2,000 columns looks at the few that tell most about it, and finds its twin."""
    g = np.random.default_rng(0)
    half = g.integers(0, 5, (1000, 150))
    twin = np.where(g.random(half.shape) < 0.95, half, (half + 1) % 5)
    wide = np.concatenate([half, twin, g.integers(0, 5, (1000, 1700))], 1)
    table = pa.table({f"c{i}": wide[:, i] for i in range(2000)})
    schema = TableSchema(tuple(ColumnSchema(f"c{i}", "integer", "int64") for i in range(2000)))
    began = time.process_time()
    made = Forest(trees=1, thin=False).fit(table, schema).sample(400)
    assert time.process_time() - began < 30
    same = [(made[f"c{i}"].to_numpy() == made[f"c{i + 150}"].to_numpy()).mean() for i in range(0, 150, 10)]
    assert np.mean(same) > 0.8


test_two_thousand_columns_stay_affordable = pytest.mark.slow(test_two_thousand_columns_stay_affordable)


def test_batches_are_learned_without_holding_them():
    """The rows learned are an even sample in order, the same for every cut into batches, and the model is that of `fit` on all."""
    table = people(6000).append_column("place", pa.array(range(6000)))
    whole = learn.even_sample([table], 1500, 7)
    parts = learn.even_sample((table.slice(i, 450) for i in range(0, 6000, 450)), 1500, 7)
    assert whole.equals(parts)
    place = whole["place"].to_numpy()
    assert len(place) == 1500
    assert (np.diff(place) > 0).all()
    assert np.histogram(place, 6, (0, 6000))[0].min() > 180  # 250 expected, standard deviation below 15
    batched = Forest().fit_batches(people().to_batches(max_chunksize=700), SCHEMA)
    assert batched.sample(500).equals(Forest().fit(people(), SCHEMA).sample(500))
    with pytest.raises(SchemaError, match="columns"):
        Forest().fit_batches([table, table.drop(["place"])])
    with pytest.raises(SynthesizerError, match="no batch"):
        Forest().fit_batches([])


def test_batches_read_what_is_asked_as_sample_does():
    """A moment without an offset is one of the column's own time zone, and 1e3 rows are 1,000, in batches too."""
    noon = np.datetime64("2024-01-01T11:00", "us") + np.arange(600).astype("timedelta64[h]")
    table = pa.table({"at": pa.array(noon).cast(pa.timestamp("us", "Asia/Tokyo")), "x": np.arange(600) % 7})
    model = Forest(thin=False).fit(table)
    given = {"at": {"min": "2024-01-05T00:00:00", "max": "2024-01-05T03:00:00"}}
    [batch] = model.sample_batches(1e3, given=given, seed=1)
    assert batch == model.sample(1000, given=given, seed=1)
