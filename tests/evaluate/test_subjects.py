"""What metrics are asked about: tables, relations, entities, the dataset; one class is enough for each."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import UsageError
from lookalike.evaluate.base import Metric
from lookalike.evaluate.dataset import Asked, dataset
from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.measuring import expected_seconds, looked, measure
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.schema.types import ColumnSchema, TableSchema

PEOPLE = pa.table({"ward": ["a", "a", "b"], "number": [1, 2, 1], "age": [30, 40, 50]})
VISITS = pa.table({"ward": ["a", "b", "a", "b", None], "number": [2, 1, 1, 2, 1], "minutes": [5, 6, 7, 8, 9]})


def columns(*names):
    return TableSchema(tuple(ColumnSchema(name, "id" if name in ("ward", "number") else "integer", "int64") for name in names))


SCHEMA = DatasetSchema(
    {"people": columns("ward", "number", "age"), "visits": columns("ward", "number", "minutes")},
    relations=(Relation("visits", ("ward", "number"), "people", ("ward", "number")),),
)


class Minutes(Metric):
    """Mean of a child's numbers over its parents: a plugin about a relation."""

    kind: ClassVar[str] = "minutes_per_person"
    scope: ClassVar[str] = "relation"

    def compute(self, views):
        return [self.result(float(views.child.numbers("minutes", "synthetic").sum() / views.parent.rows("synthetic")))]


class Visits(Metric):
    """Rows of the largest entity: a plugin about entities."""

    kind: ClassVar[str] = "most_visits"
    scope: ClassVar[str] = "entity"

    def compute(self, views):
        rows = views.of_rows("synthetic")
        return [self.result(float(np.bincount(rows[rows >= 0]).max()))]


class Rows(Metric):
    """Rows of all tables: a plugin about the dataset."""

    kind: ClassVar[str] = "all_rows"
    scope: ClassVar[str] = "dataset"
    alone: ClassVar[bool] = True

    def compute(self, views):
        return [self.result(float(sum(table.rows("synthetic") for table in views.tables)))]


@pytest.fixture(scope="module")
def clinic():
    sides = {"people": PEOPLE, "visits": VISITS}
    return dataset(sides, sides, None, Asked(schema=SCHEMA))


def test_a_metric_of_any_scope_is_one_class(clinic):
    """A relation's, an entity's and the dataset's metric are asked once a subject; the first two lead with the worst."""
    results = {r.name: r for r in measure(clinic, [Minutes, Visits, Rows])}
    end = "visits(ward, number) → people(ward, number)"
    assert results["minutes_per_person"].value == results[f"minutes_per_person.{end}"].value == 35 / 3
    assert results[f"minutes_per_person.{end}"].subject == end
    assert results["most_visits"].value == results["most_visits.visits by ward, number"].value == 1.0
    assert results["all_rows"].value == 8.0


def test_composite_keys_find_their_parents(clinic):
    """Each child's parent by both columns; -1 where no parent has that pair, or where a part of the key is null."""
    rows, null = clinic.relations[0].parents("real")
    assert rows.tolist() == [1, 2, 0, -1, -1]
    assert null.tolist() == [False, False, False, False, True]


def test_rows_of_one_entity_have_one_number(clinic):
    """Equal keys are one entity, a key that is null in part is none."""
    rows = clinic.entities[0].of_rows("synthetic")
    assert len({*rows[:4].tolist()}) == 4
    assert rows[4] == -1


def test_a_single_table_has_no_relations():
    """Asked for by name, a metric about relations says why it has no number."""
    report = evaluate(PEOPLE, PEOPLE, only="referential_integrity", gates="none")
    assert "foreign key" in report["referential_integrity"].skipped


def test_the_budget_is_shared_by_all_tables(clinic):
    """Jobs are planned together, cheapest first: what the two tables need is not granted twice."""
    costs = [expected_seconds(Rows, table) for table in clinic.tables]
    assert costs == [pytest.approx(0.05 * 0.2)] * 2

    class Of(Rows):
        kind: ClassVar[str] = "rows_of_table"
        scope: ClassVar[str] = "table"

        def compute(self, views):
            return [self.result(1.0)]

    found = measure(clinic, [Of], budget_s=costs[0] * 1.5)
    assert [r.value for r in found] == [1.0, None]
    assert "budget" in found[1].skipped


def test_every_column_is_said_to_be_looked_at_or_not(clinic):
    """A metric's columns count only when it measured something."""
    results = measure(clinic, [Minutes, Rows])
    seen = looked(clinic, [Minutes, Rows], results)
    assert seen["visits"] == {"ward": (), "number": (), "minutes": ("minutes_per_person", "all_rows")}
    assert looked(clinic, [Minutes, Rows], [])["visits"]["minutes"] == ()


def test_a_table_without_synthetic_rows_fails_and_the_others_are_measured():
    """Nothing was made of one table: validity is 0 there, whatever the other tables reach."""
    real = {"people": PEOPLE, "visits": VISITS}
    report = evaluate(real, {"people": PEOPLE, "visits": VISITS.slice(0, 0)}, only="validity")
    assert report["visits.validity"].value == 0.0
    assert report["people.validity"].value == 1.0
    assert report.exit_code == 1
    assert "visits" in report.findings[0].text


def test_a_schema_must_fit_the_tables():
    """One table's schema for a set, and schemas by name for one table, are refused."""
    with pytest.raises(UsageError, match="for a set of tables"):
        evaluate({"people": PEOPLE}, {"people": PEOPLE}, schema=SCHEMA.tables["people"])
    with pytest.raises(UsageError, match="single table"):
        evaluate(PEOPLE, PEOPLE, schema=SCHEMA)
