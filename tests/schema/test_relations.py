"""How tables hang together: order, circles, and what a schema refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SchemaError
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.schema.types import ColumnSchema, TableSchema

COLUMNS = TableSchema(tuple(ColumnSchema(name, "id", "int64") for name in ("id", "a", "b")))


def dataset(*relations, tables="wxyz", **more):
    return DatasetSchema(dict.fromkeys(tables, COLUMNS), relations=relations, **more)


def to(child, parent, column="a", *, nullable=False):
    return Relation(child, (column,), parent, ("id",), nullable)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), max_size=12))
def test_parents_come_first_but_for_what_is_broken(edges):
    """In every graph each table stands after its parents, save by the relations that are filled later; each of these is nullable
    or of a table to itself."""
    relations = tuple(to(f"t{a}", f"t{b}", nullable=null) for a, b, null in edges)
    schema = dataset(*relations, tables=[f"t{i}" for i in range(7)])
    try:
        order, broken = schema.order(), schema.broken()
    except SchemaError:
        assert not all(null or a == b for a, b, null in edges)  # some circle has no key that may be null
        return
    assert sorted(order) == sorted(schema.tables)
    assert all(relation.nullable or relation.child == relation.parent for relation in broken)
    for relation in relations:
        if not any(relation is late for late in broken):
            assert order.index(relation.parent) < order.index(relation.child)


def test_a_circle_opens_at_its_nullable_key():
    """Departments have a head, employees a department: the head is filled when both are there."""
    head = to("w", "x", nullable=True)
    schema = dataset(head, to("x", "w"), tables="wx")
    assert schema.order() == ("w", "x")
    assert schema.broken() == (head,)


def test_a_circle_of_keys_that_are_never_null_is_refused_by_name():
    """No row of it could be the first; the error names every key of the circle."""
    with pytest.raises(SchemaError, match=r"w\(a\) -> x\(id\); x\(a\) -> w\(id\)"):
        dataset(to("w", "x"), to("x", "w"), tables="wx").order()


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        (Relation("w", ("a",), "nowhere", ("id",)), "nowhere"),
        (Relation("w", ("c",), "x", ("id",)), "'c'"),
        (Relation("w", ("a", "b"), "x", ("id",)), "pairs 2 columns with 1"),
    ],
)
def test_relations_of_what_is_not_there_are_refused(relation, said):
    """A relation names tables and columns that exist, as many columns as keys."""
    with pytest.raises(SchemaError, match=said):
        dataset(relation)


def test_a_schema_reads_back_what_it_wrote():
    """`parse` gives the schema that `dump` wrote, composite keys and code lists included."""
    schema = dataset(
        Relation("w", ("a", "b"), "x", ("a", "b"), nullable=True, reason="all 40 pairs"), keys={"x": ("a", "b")}, lists={"y"}
    )
    assert DatasetSchema.parse(schema.dump()) == schema
