"""What columns were taken for is shown, written, corrected and obeyed."""

import numpy as np
import pyarrow as pa
import pytest

import lookalike as la
from lookalike.errors import SchemaError
from lookalike.schema.described import described, written

G = np.random.default_rng(0)
TABLE = pa.table({
    "price": [f"${value:,.2f}" for value in G.lognormal(7, 1, 200)],
    "area": G.integers(10_000, 99_999, 200),
    "day": [f"{day % 28 + 1:02d}.03.2021" for day in range(200)],
    "size": G.choice(["small", "medium", "large"], 200),
})  # fmt: skip


def test_what_is_written_is_read_back(tmp_path):
    """The file of a table's schema gives the same schema again."""
    found = described(TABLE)
    path = tmp_path / "schema.yaml"
    path.write_text(written(found), encoding="utf-8")
    assert described(TABLE, path) == found
    assert all(column.reason in written(found) for column in found.columns)


def test_one_line_a_column():
    """Printed, a schema has one line a column: name, type and reason."""
    lines = str(la.look(TABLE)).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["price", "decimal"],
        ["area", "integer"],
        ["day", "date"],
        ["size", "category"],
    ]
    assert "$#,##0.00" in lines[0]


def test_a_file_corrects_what_it_names(tmp_path):
    """A column that the file names is what the file says; what its type needs is found; the others stay."""
    path = tmp_path / "schema.yaml"
    path.write_text("columns:\n  area: {semantic: category}\n  day: {semantic: text}\n", encoding="utf-8")
    told = la.look(TABLE, schema=path)
    assert [column.semantic for column in told.columns] == ["decimal", "category", "text", "category"]
    made = la.fit(TABLE, synthesizer="copula", schema=path).sample(100)
    assert set(made["area"].to_pylist()) <= set(TABLE["area"].to_pylist())
    path.write_text("columns:\n  price: {semantic: category}\n", encoding="utf-8")
    assert la.look(TABLE, schema=path)["price"].format == ""
    path.write_text("columns:\n  size: {order: [large, medium, small]}\n", encoding="utf-8")
    assert la.look(TABLE, schema=path)["size"].order == ("large", "medium", "small")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("columns: {pirce: {semantic: text}}", "pirce.*price"),
        ("columns: {price: {semantic: txt}}", "txt.*text"),
        ("columns: {price: {colour: red}}", "colour"),
        ("columns: [price]", "no schema"),
        ("- a", "no schema"),
        ("columns: {price", "cannot be read"),
        ("key: nobody", "nobody"),
    ],
)
def test_mistakes_are_named(text, says, tmp_path):
    """A column, type, field or file that there is none of is refused with its name and a fix."""
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SchemaError, match=says):
        la.look(TABLE, schema=path)
    with pytest.raises(SchemaError, match="cannot be read"):
        la.look(TABLE, schema=tmp_path / "none.yaml")
