"""Everything that metrics share: tables as numbers, codes and bins, neighbours and folds; computed once, on first use.

    Arrow tables --> encode --> numbers | codes | bins --> metrics

Four tables can be asked for by name, and two references that are row or cell selections of the real data:

    real         what the generator learned from
    synthetic    what is judged
    holdout      real rows that the generator never saw
    independent  the real columns, each shuffled by itself: right shapes, no dependence (the floor)
    ceiling      real rows to compare with `base` as if they were synthetic (the ceiling): the holdout, or else half the real rows
    base         the real rows that `ceiling` is compared with: all of them, or else the other half
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import rng
from lookalike.errors import MetricError, did_you_mean
from lookalike.evaluate import encode
from lookalike.evaluate.encode import COARSE, PAIR_BINS, PAIR_LEVELS, Bins, Codes, Column, Numbers
from lookalike.schema.infer import infer_columns
from lookalike.schema.types import ColumnSchema, TableSchema

Which = Literal["real", "synthetic", "holdout", "independent", "base", "ceiling"]
T = TypeVar("T")
Rows = npt.NDArray[np.int64]

MODELLED = 300  # columns that a model reads; a tree looks at each of them for each of its leaves
REFERENCE_ROWS = 200_000  # rows of a reference beyond which its own noise no longer matters


class Views:
    """Shared, lazy forms of the tables that one evaluation compares.

    Args:
        real: the rows learned from; None: there are none, and only metrics that are `alone` have a meaning.
        synthetic: the rows to judge.
        holdout: real rows that the generator never saw.
        target: the column that models predict, for utility and fairness.
        schema: what the columns mean; worked out from the cells when not given.
        seed: of every draw; equal seeds give equal numbers.
        protected: columns whose groups are compared with each other.
        name: the table's name in a set of tables.
        extras: what single families need besides tables: `benchmarks`, `prompts`, `generator`, `embedder`, ...
        keys: columns that name rows, of this table or of another; they are not compared as values.

    Attributes:
        described: what each shared column is: as the schema says, else as learning would take it.
        columns: what is compared, in the real table's order.
        missing: real columns that the synthetic table does not have.
        extra: synthetic columns that the real table does not have.
        written: those of them that say something by themselves; a column of records is one column for each of their fields.
        excluded: column -> why it is not compared.
        alone: whether there is no real table; the synthetic one then stands in its place.

    Raises:
        MetricError: a table without rows, duplicate names, no shared column, an unknown target or protected column.
    """

    def __init__(
        self,
        real: pa.Table | None,
        synthetic: pa.Table,
        holdout: pa.Table | None = None,
        *,
        target: str | None = None,
        schema: TableSchema | None = None,
        seed: int = 0,
        protected: Sequence[str] = (),
        name: str = "",
        extras: Mapping[str, Any] | None = None,
        keys: Sequence[str] = (),
    ) -> None:
        self.alone = real is None
        learned_from: pa.Table = synthetic if real is None else real
        tables = {"real": learned_from, "synthetic": synthetic} | ({"holdout": holdout} if holdout is not None else {})
        for which, table in tables.items():
            if not table.num_rows:
                raise MetricError(what="a table without rows cannot be compared", where=f"{which} table", fix="give rows")
        shared = encode.check_columns(tables)
        for wanted in [*([target] if target else []), *protected]:
            if wanted not in shared:
                fix = did_you_mean(wanted, shared, label="columns")
                raise MetricError(what=f"column {wanted!r} is not in every table", where="target or protected", fix=fix)
        self.target, self.schema, self.seed = target, schema, seed
        self.protected, self.name, self.extras = tuple(protected), name, dict(extras or {})
        self._keys = frozenset(keys)
        learned, made = dict.fromkeys(learned_from.column_names), dict.fromkeys(synthetic.column_names)
        self.missing, self.extra = tuple(n for n in learned if n not in made), tuple(n for n in made if n not in learned)
        self.excluded: dict[str, str] = {}
        self._tables = {w: t.select(shared) for w, t in tables.items()}
        self._own = _flat(synthetic.select(self.extra))
        self._cache: dict[Hashable, Any] = {}
        self.described = TableSchema(_described(self._tables["real"], schema))
        self.columns = tuple(c for c in map(self._column, self.described.columns) if c is not None)
        self._by_name = {column.name: column for column in self.columns}
        self.written = tuple(c for s in infer_columns(self._own) if (c := _written(s, self._own[s.name])) is not None)

    def _column(self, schema: ColumnSchema) -> Column | None:
        name = schema.name
        for which, table in self._tables.items():
            decoded = encode.plain(table[name])
            if decoded is not table[name]:
                self._tables[which] = table.set_column(table.schema.get_field_index(name), name, decoded)
        cells = self._tables["real"][name]
        column = encode.column_of(schema, cells)
        if column is None:
            self.excluded[name] = f"cells of type {cells.type} are not compared"
            return None
        if name in self._keys:
            column = replace(column, form="id", whole=False)
        elif self.alone and column.form == "category" and encode.is_prose(cells):
            column = replace(
                column, form="text"
            )  # texts that repeat each other are no levels where nothing says that they should
        if column.numeric:
            try:
                for which in self._tables:
                    self._numbers(column, which)
            except MetricError as exc:
                self.excluded[name] = f"{exc.what} ({which} table)"
                return None
        elif any(pa.types.is_nested(t[name].type) for t in self._tables.values()):
            self.excluded[name] = "nested in one table and plain in another"
            return None
        return column

    def _numbers(self, column: Column, source: str) -> Numbers:
        def read() -> Numbers:
            return encode.numbers(self._tables[source][column.name], column.form, column.meaning)

        return self.once(("n", column.name, source), read)

    def __contains__(self, which: str) -> bool:
        """Whether a table was given."""
        return which in self._tables

    def beside(self, name: str) -> bool:
        """Whether a real column stands beside the synthetic one."""
        return not self.alone and name in self._by_name

    def __getitem__(self, name: str) -> Column:
        """The column of that name.

        Raises:
            MetricError: it is not compared.
        """
        if name in self._by_name:
            return self._by_name[name]
        why = self.excluded.get(name, "the tables do not share it")
        raise MetricError(
            what=f"column {name!r} is not compared: {why}", fix=did_you_mean(name, [c.name for c in self.columns])
        )

    @property
    def compared(self) -> tuple[Column, ...]:
        """Numbers, times and categories: what shapes and dependence are measured on."""
        return tuple(column for column in self.columns if column.compared)

    def of_form(self, *forms: str) -> tuple[Column, ...]:
        """Columns of these forms, in order."""
        return tuple(column for column in self.columns if column.form in forms)

    @property
    def tables(self) -> tuple[Views, ...]:
        """Itself: a table is a subject of metrics as a relation is, which stands on two."""
        return (self,)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column of either table, whatever can be done with it."""
        written = {column.name for column in self.written}
        others = [n for n in self.extra if n not in written and not any(w.startswith(f"{n}.") for w in written)]
        return tuple(dict.fromkeys([*self._tables["real"].column_names, *self.missing, *written, *others]))

    @property
    def release(self) -> pa.Table:
        """The synthetic rows with all their columns, shared ones or not."""
        out = self._tables["synthetic"]
        for name in self._own.column_names:
            out = out.append_column(name, self._own[name])
        return out

    def table(self, which: Which) -> pa.Table:
        """The Arrow rows, only columns that all tables share; references are selections of real rows.

        Raises:
            MetricError: no holdout was given.
        """
        if which in self._tables:
            return self._tables[which]
        if which == "independent":
            real = self._tables["real"]
            return pa.table({n: real[n].take(pa.array(self._shuffled(n))) for n in real.column_names})
        source, rows = self._selection(which)
        return self._tables[source] if rows is None else self._tables[source].take(pa.array(rows))

    def rows(self, which: Which) -> int:
        """How many rows a table has."""
        if which in self._tables:
            return int(self._tables[which].num_rows)
        if which == "independent":
            return int(self._tables["synthetic"].num_rows)
        source, rows = self._selection(which)
        return int(self._tables[source].num_rows) if rows is None else int(rows.size)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `make`, computed on the first call with this key only; how metrics share work."""
        if key not in self._cache:
            self._cache[key] = make()
        return cast("T", self._cache[key])

    def random(self, *parts: object) -> np.random.Generator:
        """A random stream of its own for each purpose, so that adding a metric changes no other."""
        return rng.generator("evaluate", self.seed, self.name, *parts)

    # -- cells -----------------------------------------------------------------------------------------------------

    def numbers(self, name: str, which: Which) -> Numbers:
        """A numeric column as float64 [n]: times in seconds since 1970, null and infinities as NaN."""
        column = self[name]
        return self._select(name, which, lambda source: self._numbers(column, source))

    def codes(self, name: str, which: Which) -> Codes:
        """A column as category codes, int32 [n], one dictionary for all tables; 0 is null, see `levels`."""
        return self._select(name, which, lambda source: self._encoded(name)[0][source])

    def levels(self, name: str) -> list[str]:
        """What the codes mean: level i has code i + 1; those of the real table first, most frequent first."""
        return self._encoded(name)[1]

    def real_levels(self, name: str) -> int:
        """How many levels the real table has; codes above it are new."""
        return self._encoded(name)[2]

    def bins(self, name: str, which: Which, *, coarse: bool = False) -> Bins:
        """A column as few bins, uint8 [n]: 0 null; quantiles of the real numbers, or the most frequent real levels.

        The last bin holds what the real table does not: numbers out of its range, levels it never had.
        """
        return self._select(
            name, which, lambda source: self.once(("b", name, source, coarse), lambda: self._binned(name, source, coarse))
        )

    def width(self, name: str, *, coarse: bool = False) -> int:
        """How many bins a column has, null and the last one included."""
        if self[name].numeric:
            return int(self.edges(name, coarse=coarse).size) + 3
        return min(COARSE if coarse else PAIR_LEVELS, self.real_levels(name)) + 3

    def edges(self, name: str, *, coarse: bool = False) -> Numbers:
        """Inner edges of a number's bins."""
        count = COARSE if coarse else PAIR_BINS
        return self.once(("e", name, coarse), lambda: encode.edges_of(self.numbers(name, "real"), count))

    def range(self, name: str) -> tuple[float, float]:
        """Smallest and largest real number; (nan, nan) when all are null."""

        def find() -> tuple[float, float]:
            known = self.numbers(name, "real")
            known = known[~np.isnan(known)]
            return (float(known.min()), float(known.max())) if known.size else (float("nan"), float("nan"))

        return self.once(("r", name), find)

    def nulls(self, name: str, which: Which) -> npt.NDArray[np.bool_]:
        """Where cells are null, bool [n]."""
        return self._select(
            name, which, lambda source: self.once(("0", name, source), lambda: encode.mask(self._tables[source][name]))
        )

    def texts(self, name: str, which: Which) -> list[str | None]:
        """Cells as Python strings, for text metrics; of a written column those of the synthetic table, whatever is asked for."""

        def find() -> list[str | None]:
            column = self._own[name] if name in self._own.column_names else self.table(which)[name]
            return cast("list[str | None]", column.cast(pa.large_string()).to_pylist())

        return self.once(("t", name, which), find)

    def modelled(self, *, but: str | None = None) -> list[str]:
        """The columns that models read: all compared ones, or so many drawn that a model still fits in seconds."""
        names = [column.name for column in self.compared if column.name != but]
        if len(names) <= MODELLED:
            return names
        return [names[i] for i in np.sort(self.random("modelled").permutation(len(names))[:MODELLED])]

    def features(self, which: Which, names: Sequence[str]) -> npt.NDArray[np.float32]:
        """What tree models read: float32 [n, d], numbers as they are (null NaN), categories as codes."""
        most = np.finfo(np.float32).max
        out = np.empty((self.rows(which), len(names)), dtype=np.float32)
        for i, name in enumerate(names):
            out[:, i] = np.clip(self.numbers(name, which), -most, most) if self[name].numeric else self.codes(name, which)
        return out

    def gower(self, which: Which, *, limit: int | None = None) -> npt.NDArray[np.float32]:
        """Compared columns as float32 [d, n] in which min(|a - b|, 1) is each column's distance (Gower 1971).

        Args:
            which: the table.
            limit: at most so many rows, drawn by the seed.
        """

        def make() -> npt.NDArray[np.float32]:
            parts = []
            for column in self.compared:
                if column.numeric:
                    low, high = self.range(column.name)
                    place = (self.numbers(column.name, which) - low) / (high - low if high > low else 1.0)
                    parts.append(np.where(np.isnan(place), 3.0, np.clip(place, -1.0, 2.0)).astype(np.float32))
                else:
                    parts.append(self.codes(column.name, which).astype(np.float32) * 2)
            if not parts:
                raise MetricError(what="no column is a number, a time or a category", fix="compare such columns")
            return np.ascontiguousarray(np.stack(parts))

        whole = self.once(("g", which), make)
        if limit is None or whole.shape[1] <= limit:
            return whole
        return np.ascontiguousarray(whole[:, np.sort(self.random("gower", which).permutation(whole.shape[1])[:limit])])

    @cached_property
    def reference(self) -> Literal["holdout", "half"]:
        """What the ceiling is made of."""
        return "holdout" if "holdout" in self else "half"

    # -- inside ----------------------------------------------------------------------------------------------------

    def _encoded(self, name: str) -> tuple[dict[str, Codes], list[str], int]:
        def make() -> tuple[dict[str, Codes], list[str], int]:
            parts, levels = encode.codes([table[name] for table in self._tables.values()])
            known = int(parts[0].max(initial=0))
            return dict(zip(self._tables, parts, strict=True)), levels, known

        return self.once(("c", name), make)

    def _binned(self, name: str, source: str, coarse: bool) -> Bins:
        if self[name].numeric:
            low, high = self.range(name)
            return encode.bin_numbers(self.numbers(name, cast("Which", source)), self.edges(name, coarse=coarse), low, high)
        parts, levels, known = self._encoded(name)
        return encode.level_bins(len(levels), known, COARSE if coarse else PAIR_LEVELS)[parts[source]]

    def _select(self, name: str, which: Which, get: Callable[[str], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        if which in self._tables:
            return get(which)
        if which == "independent":
            return get("real")[self._shuffled(name)]
        source, rows = self._selection(which)
        whole = get(source)
        return whole if rows is None else whole[rows]

    def _shuffled(self, name: str) -> Rows:
        def make() -> Rows:
            real, wanted = self._tables["real"].num_rows, self._tables["synthetic"].num_rows
            draw = self.random("independent", name)
            order = draw.permutation(real)
            more = draw.integers(0, real, max(0, wanted - real))
            return np.concatenate([order, more])[:wanted].astype(np.int64)

        return self.once(("i", name), make)

    def _selection(self, which: str) -> tuple[str, Rows | None]:
        if which not in ("base", "ceiling"):
            raise MetricError(what=f"there is no {which} table", fix="give holdout=, real rows that the generator never saw")

        def make() -> dict[str, tuple[str, Rows | None]]:
            if "holdout" in self:
                size, wanted = self._tables["holdout"].num_rows, min(self._tables["synthetic"].num_rows, REFERENCE_ROWS)
                rows = None if size <= wanted else np.sort(self.random("ceiling").permutation(size)[:wanted])
                return {"base": ("real", None), "ceiling": ("holdout", rows)}
            size = self._tables["real"].num_rows
            order = self.random("ceiling").permutation(size)
            half = min(max(1, size // 2), REFERENCE_ROWS)
            return {"base": ("real", np.sort(order[:half])), "ceiling": ("real", np.sort(order[-half:]))}

        return self.once("selection", make)[which]


def distinct(column: pa.ChunkedArray) -> int:
    """How many different cells, nulls left out."""
    return int(pc.count_distinct(column).as_py())


def _flat(table: pa.Table) -> pa.Table:
    """A column for each field of a record."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _written(schema: ColumnSchema, cells: pa.ChunkedArray) -> Column | None:
    """A column that stands alone: prose is text, however often it repeats itself; None when its cells have no form."""
    column = encode.column_of(schema, cells := encode.plain(cells))
    return replace(column, form="text") if column and encode.is_prose(cells) else column


def _described(real: pa.Table, schema: TableSchema | None) -> tuple[ColumnSchema, ...]:
    """What each column is: as the schema says, else as learning would take it."""
    given = {column.name: column for column in schema.columns} if schema else {}
    found = {c.name: c for c in infer_columns(real.select([n for n in real.column_names if n not in given]))}
    return tuple(given.get(name) or found[name] for name in real.column_names)
