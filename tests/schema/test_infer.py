"""Columns are described as a person would, with a reason."""

import decimal

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import SchemaError
from lookalike.evaluate.views import Views
from lookalike.schema.infer import infer
from lookalike.schema.types import TableSchema, arrow_type

N = 400
DRAWS = np.random.default_rng(0)
MOMENTS = np.datetime64("2020-01-01", "s") + DRAWS.integers(0, 10**8, N)
ACCOUNTS = [f"{i:018d}" for i in range(N)]
IBANS = [f"DE{98 - int(a + '131400') % 97:02d}{a}" for a in ACCOUNTS]
CARDS = ["4111111111111111", "5500000000000004", "340000000000009", "6011000000000004", "4012888888881881"] * 80
WORDS = np.array("the a cat dog runs sees big small red house tree under over with and never".split())

COLUMNS = {
    "row": (np.arange(N), "id"),
    "customerID": (DRAWS.permutation(N) * 7 + 13, "id"),
    "order_ref": ([f"C-{i:04d}" for i in range(N)], "id"),
    "uuid": ([f"{i:08x}-0000-4000-8000-{i:012x}" for i in range(N)], "id"),
    "age": (DRAWS.integers(18, 90, N), "integer"),
    "price": (np.round(DRAWS.gamma(2, 10, N), 2), "decimal"),
    "reading": (DRAWS.normal(size=N), "decimal"),
    "whole": (pa.array(np.where(np.arange(N) % 5, DRAWS.integers(0, 50, N), np.nan)), "integer"),
    "label": (DRAWS.integers(0, 7, N), "category"),
    "flag": (DRAWS.integers(0, 2, N), "boolean"),
    "answer": (DRAWS.choice(["Yes", "no"], N), "boolean"),
    "truth": (DRAWS.random(N) < 0.5, "boolean"),
    "size": (DRAWS.choice(["small", "large", "medium"], N), "category"),
    "band": (DRAWS.choice(["18-24", "<18", "25-34", "35+"], N), "category"),
    "moment": (MOMENTS, "datetime"),
    "zoned": (pa.array(MOMENTS).cast(pa.timestamp("us", "Europe/Berlin")), "datetime"),
    "day_first": ([f"{i % 28 + 1:02d}/{i % 12 + 1:02d}/2021" for i in range(N)], "date"),
    "american": ([f"{i % 12 + 1}/{i % 28 + 1}/2021 {i % 12 + 1}:05 PM" for i in range(N)], "datetime"),
    "iso": ([f"2021-03-{i % 28 + 1:02d}T10:00:{i % 60:02d}.250+02:00" for i in range(N)], "datetime"),
    "took": (pa.array(DRAWS.integers(0, 900, N), pa.duration("s")), "duration"),
    "arrival": ([f"{i % 24:02d}:{i * 7 % 60:02d}" for i in range(N)], "time"),
    "leaves": ([f"{i % 12 + 1}:{i * 7 % 60:02d} {'AM' if i % 3 else 'PM'}" for i in range(N)], "time"),
    "overtime": ([f"{i % 40}:{i * 7 % 60:02d}:{i % 60:02d}" for i in range(N)], "duration"),
    "lap": ([f"{i % 2:02d}:{i % 60:02d}:{i * 7 % 60:02d}" for i in range(N)], "duration"),
    "iso_length": ([f"PT{i % 5 + 1}H{i % 59 + 1}M" for i in range(N)], "duration"),
    "timedelta": ([f"{i % 9} days {i % 24:02d}:00:{i % 60:02d}" for i in range(N)], "duration"),
    "dni": ([f"{i * 7919:08d}" + "TRWAGMYFPDXBNJZSQVHLCKE"[i * 7919 % 23] for i in range(N)], "national_id"),
    "email": ([f"a{i}@mail.org" for i in range(N)], "email"),
    "mobile": ([f"+44 20 7946 {i:04d}" for i in range(N)], "phone"),
    "account": (IBANS, "iban"),
    "paid_with": (CARDS, "card"),
    "ssn": ([f"123-45-{i + 1:04d}" for i in range(N)], "national_id"),
    "host": ([f"10.0.{i % 250}.{i % 99}" for i in range(N)], "ip"),
    "page": ([f"https://x.org/{i}" for i in range(N)], "url"),
    "last_name": (DRAWS.choice([f"O'Hara{chr(97 + i)}" for i in range(20)], N), "name"),
    "home_address": ([f"{i + 1} Long Street, Ulm" for i in range(N)], "address"),
    "lat": (DRAWS.uniform(-60, 60, N), "latitude"),
    "longitude": (DRAWS.uniform(-170, 170, N), "longitude"),
    "payload": ([f'{{"a": {i}}}' for i in range(N)], "json"),
    "tags": ([[f"x{i}"] for i in range(N)], "json"),
    "remark": ([" ".join(DRAWS.choice(WORDS, 9)) for _ in range(N)], "text"),
    "fixed": (["same"] * N, "constant"),
    "nothing": (pa.nulls(N), "empty"),
    "amount": ([decimal.Decimal(i) / 100 for i in range(N)], "decimal"),
}
TABLE = pa.table({name: values for name, (values, _) in COLUMNS.items()})
SCHEMA = infer(TABLE)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_is_known_with_a_reason(name):
    """The semantic type is right, the Arrow type is kept, and a sentence says why."""
    column = SCHEMA[name]
    assert column.semantic == COLUMNS[name][1], column
    assert column.reason
    assert column.arrow == str(TABLE.schema.field(name).type)


def test_details_are_found():
    """Digits, order, formats, units, gaps, patterns and the key."""
    assert (SCHEMA["price"].decimals, SCHEMA["price"].unit) == (2, "currency")
    assert SCHEMA["reading"].decimals is None
    assert SCHEMA["size"].order == ("small", "medium", "large")
    assert SCHEMA["band"].order == ("<18", "18-24", "25-34", "35+")
    assert SCHEMA["day_first"].format == "%d/%m/%Y"
    assert SCHEMA["american"].format == "%-m/%-d/%Y %-I:%M %p"
    assert SCHEMA["order_ref"].format == "C-[0-9]{4}"
    assert SCHEMA["whole"].nullable
    assert SCHEMA["moment"].unit == "second"
    assert SCHEMA.key == "customerID"


def test_a_format_must_fit_every_value():
    """One value that is no date makes the column no date."""
    texts = [f"2021-01-{i % 28 + 1:02d}" for i in range(300)] + ["soon"]
    assert infer(pa.table({"d": texts}))["d"].semantic == "category"


def test_spikes_and_heavy_tails_are_told():
    """A number with an atom and one with a heavy tail say so."""
    draws = np.random.default_rng(1)
    gain = np.where(draws.random(2000) < 0.9, 0, draws.integers(1, 99_999, 2000))
    schema = infer(pa.table({"gain": gain, "wealth": draws.pareto(0.8, 2000)}))
    assert "spikes at 0" in schema["gain"].reason
    assert "heavy tail" in schema["wealth"].reason


def test_checksums_decide():
    """Digits that fail the checks of IBAN and cards are no IBANs and no cards."""
    broken = [iban[:-1] + str((int(iban[-1]) + 1) % 10) for iban in IBANS]
    cards = [f"411111111111{i:04d}" for i in range(N)]
    schema = infer(pa.table({"x": broken, "y": cards}))
    assert schema["x"].semantic != "iban"
    assert schema["y"].semantic != "card"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_tables_are_described(n):
    """No row, one row and two rows raise nothing."""
    assert infer(TABLE.slice(0, n)).names == SCHEMA.names


def test_bad_names_are_refused():
    """Empty and repeated column names are one clear error."""
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    for table in (twice, pa.table({"": [1]}), pa.table({})):
        with pytest.raises(SchemaError):
            infer(table)


def test_infinite_and_mixed_are_told():
    """Infinite numbers are counted in the reason."""
    schema = infer(pa.table({"a": [1.5, float("inf"), 2.5, float("nan")] * 20}))
    assert "20 infinite values" in schema["a"].reason
    assert schema["a"].nullable


def test_schema_survives_plain_data():
    """A schema written as plain data is read back equal, and every Arrow type is read from its text."""
    assert TableSchema.parse(SCHEMA.dump()) == SCHEMA
    kinds = [
        *TABLE.schema.types,
        pa.list_(pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))])),
        pa.map_(pa.string(), pa.int8()),
    ]
    for kind in kinds:
        assert arrow_type(str(kind)) == kind
    assert arrow_type(str(pa.dictionary(pa.int32(), pa.string()))) == pa.string()
    with pytest.raises(SchemaError):
        arrow_type("colour")


def test_inference_is_quick(least_cpu):
    """30,000 rows of 15 columns take well under a second of CPU time."""
    draws = np.random.default_rng(0)
    numbers = {f"n{i}": draws.normal(size=30_000) for i in range(8)}
    texts = {f"c{i}": draws.choice([f"v{j}" for j in range(20)], 30_000) for i in range(7)}
    table = pa.table({**numbers, **texts})
    assert least_cpu(lambda: infer(table)) < 0.8


def test_two_thousand_columns():
    """A very wide table is described."""
    table = pa.table({f"c{i}": np.arange(60) * (i % 7 + 1) % 13 for i in range(2000)})
    assert len(infer(table).columns) == 2000


def test_a_category_that_quotes_the_person_of_its_row_is_a_text():
    """Notes that repeat and name their row's person are not levels to be drawn word for word; a city that repeats is one."""
    people = [
        f"{first} {last}" for first in ("Ann", "Bert", "Cleo", "Dora", "Emil") for last in ("Weber", "Schulz", "Braun", "Koch")
    ]
    rows = people * 20
    table = pa.table(
        {
            "name": rows,
            "note": [f"Called {name} back" for name in rows],
            "town": [("Ulm", "Jena")[i % 2] for i in range(len(rows))],
        }
    )
    schema = infer(table)
    assert schema["name"].semantic == "name"
    assert (schema["note"].semantic, schema["town"].semantic) == ("text", "category")
    assert "quote 'name'" in schema["note"].reason


def test_what_is_learned_as_a_text_is_measured_as_one():
    """Notes that quote their row's person are no levels to the report either: new notes are not called invalid."""
    people = [
        f"{first} {last}" for first in ("Ann", "Bert", "Cleo", "Dora", "Emil") for last in ("Weber", "Schulz", "Braun", "Koch")
    ]
    table = pa.table(
        {"name": people * 20, "note": [f"Called {name} back" for name in people * 20], "town": ["Ulm", "Jena"] * 200}
    )
    assert {c.name: c.form for c in Views(table, table).columns} == {"name": "id", "note": "text", "town": "category"}
    told = table.set_column(1, "note", pa.array(["Called Ann Weber back", "Called nobody"] * 200))
    assert {c.name: c.form for c in Views(told, told).columns}["note"] == "category"


@pytest.mark.parametrize(
    ("column", "first", "last"),
    [
        ("姓名", "王李张刘陈杨赵黄周吴徐孙", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚"),
        (
            "ФИО",
            ["Иванов", "Петров", "Смирнова", "Кузнецов", "Соколова"],
            [" Олег", " Анна", " Пётр", " Мария", " Яна", " Глеб"],
        ),
        ("الاسم", ["محمد", "فاطمة", "علي", "مريم", "يوسف", "سارة"], [" حسن", " أحمد", " صالح", " منصور", " كريم"]),
        ("Nachname", ["Meier", "Groß", "Öztürk", "Lang", "Weiß"], ["mann", "-Koch", "-Ünal", "-Zorn", "-Beck", "-Adler"]),
        ("이름", "김이박최정강조윤장임", "민준서연도윤지우하은예준"),
    ],
)
def test_people_of_any_language_are_known(column, first, last):
    """Names in scripts with and without capitals, under a header in the same language, are personal; cities beside them are not."""
    g = np.random.default_rng(0)
    names = [f"{g.choice(list(first))}{g.choice(list(last))}" for _ in range(400)]
    table = pa.table({column: names, "城市": g.choice(["北京", "上海", "广州"], 400)})
    assert [c.semantic for c in infer(table).columns] == ["name", "category"]
