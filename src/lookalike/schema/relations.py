"""How tables hang together: foreign keys, and the order in which tables can be made.

A relation is one foreign key: columns of a child table that name a row of a parent table by its key. Composite keys, several keys to
one parent, keys that share a column, and a table that refers to itself are all the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lookalike.errors import SchemaError, did_you_mean
from lookalike.schema.types import TableSchema

Orphans = Literal["keep", "null", "refuse"]


@dataclass(frozen=True, slots=True)
class Relation:
    """One foreign key.

    Attributes:
        child: the table that refers.
        columns: its columns, in the order of `keys`.
        parent: the table that is referred to.
        keys: the parent's key columns.
        nullable: whether a child may have no parent.
        reason: the evidence, in a sentence.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
    nullable: bool = False
    reason: str = ""

    @property
    def name(self) -> str:
        """`orders(customer_id)`: unique in a dataset."""
        return f"{self.child}({', '.join(self.columns)})"

    def __str__(self) -> str:
        return f"{self.name} -> {self.parent}({', '.join(self.keys)})"


@dataclass(frozen=True, slots=True)
class DatasetSchema:
    """Tables and the relations between them.

    Attributes:
        tables: name -> what its columns are.
        keys: name -> its primary key; no entry or an empty one: the table has none.
        relations: foreign keys.
        lists: tables that are code lists (countries, currencies): kept as they are, never made anew.
    """

    tables: Mapping[str, TableSchema]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    lists: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse relations between what is not there.

        Raises:
            SchemaError: a relation, key or list names a table or column that the dataset does not have.
        """
        for table, columns in self.keys.items():
            self._check(table, columns, "the primary key")
        for table in self.lists:
            self._check(table, (), "a code list")
        for relation in self.relations:
            self._check(relation.child, relation.columns, f"the relation {relation}")
            self._check(relation.parent, relation.keys, f"the relation {relation}")
            if len(relation.columns) != len(relation.keys) or not relation.columns:
                raise SchemaError(
                    what=f"the relation {relation} pairs {len(relation.columns)} columns with {len(relation.keys)} keys",
                    fix="name one key column of the parent for each column of the child",
                )

    def _check(self, table: str, columns: tuple[str, ...], who: str) -> None:
        if table not in self.tables:
            raise SchemaError(
                what=f"{who} names a table {table!r}, which there is none of",
                fix=did_you_mean(table, self.tables, label="tables"),
            )
        for column in columns:
            if column not in self.tables[table].names:
                fix = did_you_mean(column, self.tables[table].names, label="columns")
                raise SchemaError(what=f"{who} names a column {column!r}, which {table!r} does not have", fix=fix)

    def parents(self, table: str) -> tuple[Relation, ...]:
        """The relations by which a table refers to others or to itself."""
        return tuple(relation for relation in self.relations if relation.child == table)

    def children(self, table: str) -> tuple[Relation, ...]:
        """The relations by which others, or its own rows, refer to a table."""
        return tuple(relation for relation in self.relations if relation.parent == table)

    def order(self) -> tuple[str, ...]:
        """Table names, parents before children; where tables refer to each other in a circle, `broken` says what is filled later."""
        return self._ordered()[0]

    def broken(self) -> tuple[Relation, ...]:
        """The relations that can only be filled when all rows are there: those of a table to itself, and one of each circle.

        Raises:
            SchemaError: a circle of tables has no nullable key, so no row of it could be the first.
        """
        return self._ordered()[1]

    def _ordered(self) -> tuple[tuple[str, ...], tuple[Relation, ...]]:
        late = [relation for relation in self.relations if relation.child == relation.parent]
        waiting = [relation for relation in self.relations if relation.child != relation.parent]
        left, order = list(self.tables), []
        while left:
            ready = [table for table in left if not any(r.child == table and r.parent in left for r in waiting)]
            if ready:
                order += ready
                left = [table for table in left if table not in ready]
                continue
            circle = _circle(left, waiting)
            loose = [relation for relation in circle if relation.nullable]
            if not loose:
                raise SchemaError(
                    what=f"tables refer to each other in a circle of keys that are never null: {'; '.join(map(str, circle))}",
                    fix="let one of these keys be null, or leave one of the relations out of the schema",
                )
            late.append(loose[0])
            waiting = [relation for relation in waiting if relation is not loose[0]]
        return tuple(order), tuple(late)

    def __str__(self) -> str:
        """The tables as a tree: each under those that it refers to, with the evidence; what refers to it stands under the first."""
        roots = [table for table in self.tables if not any(r.parent != table for r in self.parents(table))]
        lines: list[str] = []
        shown: set[str] = set()
        for table in roots or list(self.tables)[:1]:
            self._grow(table, "", lines, shown)
        return "\n".join(lines)

    def _grow(self, table: str, indent: str, lines: list[str], shown: set[str]) -> None:
        key = ", ".join(self.keys.get(table, ()))
        lines.append(f"{table}" + (f" ({key})" if key else "") + (", a code list" if table in self.lists else ""))
        children = () if table in shown else self.children(table)
        shown.add(table)
        for relation in children:
            why = f": {relation.reason}" if relation.reason else ""
            at = len(lines)
            if relation.child == table:
                lines.append(f"itself by {', '.join(relation.columns)}{why}")
            else:
                self._grow(relation.child, indent + "  ", lines, shown)
                lines[at] += f" by {', '.join(relation.columns)}{why}"
            lines[at] = f"{indent}  {lines[at]}"

    def dump(self) -> dict[str, Any]:
        """Plain data for JSON and YAML; `parse` reads it back."""
        return {
            "tables": {name: table.dump() for name, table in self.tables.items()},
            "keys": {name: list(columns) for name, columns in self.keys.items()},
            "relations": [asdict(relation) for relation in self.relations],
            "lists": sorted(self.lists),
        }

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> DatasetSchema:
        """The schema that `dump` wrote."""
        relations = (
            Relation(**{**relation, "columns": tuple(relation["columns"]), "keys": tuple(relation["keys"])})
            for relation in data.get("relations", ())
        )
        return cls(
            {name: TableSchema.parse(table) for name, table in data["tables"].items()},
            {name: tuple(columns) for name, columns in data.get("keys", {}).items()},
            tuple(relations),
            frozenset(data.get("lists", ())),
        )


def _circle(tables: list[str], relations: list[Relation]) -> list[Relation]:
    """Relations that lead from a table back to itself; each of the tables has a parent among them."""
    path: list[Relation] = []
    at = tables[0]
    seen = {at: 0}
    while True:
        step = next(relation for relation in relations if relation.child == at and relation.parent in tables)
        path.append(step)
        at = step.parent
        if at in seen:
            return path[seen[at] :]
        seen[at] = len(path)
