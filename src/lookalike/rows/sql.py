"""SQL expressions over a row, run by DuckDB: `when`, `keep`, `expression`, `where`, constraints, filters and rules.

The one place that opens DuckDB. An expression is a function of its row alone: aggregates, windows, subqueries, clocks and functions
that change from call to call are refused, so a value never depends on how rows are cut into batches, nor on when they are made.
DuckDB runs in memory with file and network access switched off and its configuration locked.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import AfterValidator

from lookalike.errors import RecipeError, UnknownColumn, did_you_mean
from lookalike.rows.batch import Batch
from lookalike.rows.paths import Paths, Reads

if TYPE_CHECKING:
    import duckdb

_LOCAL = threading.local()
_WORDS = frozenset(
    {"current_date", "current_timestamp", "current_time", "localtime", "localtimestamp"}
)  # written without brackets
_CLOCKS = _WORDS | {
    "current_localtime", "current_localtimestamp", "get_current_time", "get_current_timestamp", "now", "today", "transaction_timestamp"
}  # fmt: skip
_CLOCK = "the clock, and not the same every time; write the date down, as DATE '2026-01-31'"
# what most expressions are made of: asking DuckDB which of its functions are no plain ones costs more than opening it
PLAIN = frozenset(
    {"+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "abs", "concat", "contains", "ends_with", "epoch_us", "exp", "floor", "greatest",
     "least", "len", "length", "list_value", "ln", "lower", "make_timestamp", "replace", "round", "sqrt", "starts_with", "strftime", "struct_extract",
     "struct_pack", "substr", "substring", "trim", "try_strptime", "upper"}
)  # fmt: skip


def _connection() -> duckdb.DuckDBPyConnection:
    """This thread's DuckDB, opened once: opening one costs more than a query."""
    if not hasattr(_LOCAL, "connection"):
        import duckdb  # here: a run without SQL does not load it

        options = {"threads": 1, "python_enable_replacements": False}
        connection = duckdb.connect(":memory:", config=options)
        connection.execute("SET enable_external_access=false; SET TimeZone='UTC'; SET lock_configuration=true")
        _LOCAL.connection = connection
    return _LOCAL.connection


@cache
def _functions() -> dict[str, list[tuple[str, str | None, str | None]]]:
    """Function name -> (sort, stability, what it stands for) of each way to call it."""
    found: dict[str, list[tuple[str, str | None, str | None]]] = {}
    rows = (
        _connection()
        .execute("SELECT function_name, function_type, stability, macro_definition FROM duckdb_functions()")
        .fetchall()
    )
    for name, *rest in rows:
        found.setdefault(name, []).append(tuple(rest))
    return found


@cache
def refused(name: str) -> str:
    """Why an expression cannot use a function; "" when it can."""
    if name in _CLOCKS:
        return _CLOCK
    ways = _functions().get(name, [])
    scalars = [way for way in ways if way[0] in ("scalar", "macro")]
    if ways and not scalars:
        several = "an aggregate over rows" if any(sort == "aggregate" for sort, *_ in ways) else "a function that makes rows"
        return f"{several}; an expression sees one row"
    if name != "error" and any(stability in ("VOLATILE", "CONSISTENT_WITHIN_QUERY") for _, stability, _ in scalars):
        return "not the same every time; draw it in a column of its own, or write the date down"
    for _, _, meaning in scalars:
        if meaning is not None and _within(meaning):
            return f"a short form of what an expression cannot use: {meaning}"
    return ""


def _within(meaning: str) -> bool:
    """Whether a macro stands for something that is refused."""
    try:
        sql_columns(meaning)
    except RecipeError:
        return True
    return False


def _age_today(node: Any) -> bool:
    """Whether a call of age() has one moment, and so compares it with today."""
    return node["function_name"].lower() == "age" and len(node.get("children", node.get("arguments", ()))) == 1


def _names(node: Any, bound: frozenset[str], sql: str, found: set[tuple[str, ...]]) -> None:  # noqa: C901  # one case a node class
    """Collect the columns of a parse tree; `bound` holds the parameters of enclosing lambdas."""
    if isinstance(node, list):
        for item in node:
            _names(item, bound, sql, found)
        return
    if not isinstance(node, dict):
        return
    sort = node.get("class")
    if sort in ("SUBQUERY", "WINDOW", "STAR", "PARAMETER"):
        shape = {"SUBQUERY": "a subquery", "WINDOW": "a window", "STAR": "a star", "PARAMETER": "a parameter"}[sort]
        raise RecipeError(
            what=f"the SQL expression {sql!r} has {shape}", fix="write a plain expression over this row's columns"
        )
    if sort == "COLUMN_REF":
        path = node["column_names"]
        if path[0].lower() in _WORDS:
            raise RecipeError(what=f"{sql!r} uses {path[0]}: {_CLOCK}")
        if path[0] not in bound:
            found.add(tuple(path))
        return
    if sort == "LAMBDA":
        own: set[tuple[str, ...]] = set()
        _names(node.get("lhs"), frozenset(), sql, own)
        _names(node.get("expr"), bound | {path[0] for path in own}, sql, found)
        return
    name = node.get("function_name", "").lower() if sort == "FUNCTION" else ""
    if name and name not in PLAIN and (why := _CLOCK if _age_today(node) else refused(name)):
        raise RecipeError(what=f"{sql!r} uses {node['function_name']}(): {why}")
    for value in node.values():
        _names(value, bound, sql, found)


def sql_columns(sql: str) -> frozenset[str]:
    """The columns that an SQL expression reads. A parent's field (`patients.sex`) reads the column `patients`.

    Raises:
        RecipeError: not one expression, or not a function of its row alone.
    """
    return frozenset(path[0] for path in sql_paths(sql)) - {"_id"}


@lru_cache(maxsize=4096)
def sql_paths(sql: str) -> Paths:
    """What an SQL expression reads: columns, and fields inside them (`patients.sex`).

    Raises:
        RecipeError: not one expression, or not a function of its row alone.
    """
    # fetchall: a half-read result keeps the connection busy
    [(raw,)] = _connection().execute("SELECT json_serialize_sql(?)", [f"SELECT {sql}\n FROM batch"]).fetchall()  # noqa: S608  # parsed, not run
    tree = json.loads(raw)
    if tree.get("error"):
        raise RecipeError(what=f"the SQL expression {sql!r} cannot be read: {tree.get('error_message')}", fix="correct the SQL")
    nodes = [statement["node"] for statement in tree["statements"]]
    plain = len(nodes) == 1 and nodes[0].get("type") == "SELECT_NODE" and len(nodes[0]["select_list"]) == 1
    extras = ("where_clause", "group_expressions", "having", "qualify", "sample", "modifiers")
    table = nodes[0].get("from_table", {}) if plain else {}
    if not plain or any(nodes[0].get(name) for name in extras) or table.get("table_name") != "batch":
        raise RecipeError(what=f"{sql!r} is not one SQL expression", fix="write what stands between SELECT and FROM, and once")
    found: set[tuple[str, ...]] = set()
    _names(nodes[0]["select_list"], frozenset(), sql, found)
    return frozenset(found)


def check_sql(sql: str) -> str:
    """The text itself, when it is one expression over a row; for pydantic fields.

    Raises:
        ValueError: it is not.
    """
    try:
        return Reads.of(sql, sql_paths(sql))
    except RecipeError as exc:
        raise ValueError(str(exc)) from exc


def sql_name(column: str) -> str:
    """A column's name in an expression."""
    return '"' + column.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A value in an expression: None, truth, numbers, texts, and moments as texts that DuckDB compares with a column of moments."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int, Decimal)) or (isinstance(value, float) and math.isfinite(value)):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def check_program(text: str) -> None:
    """Refuse a text that is no SQL at all; of what it says nothing is run.

    Raises:
        ValueError: DuckDB cannot read it, or it has no statement.
    """
    import duckdb

    try:
        statements = _connection().extract_statements(text)
    except duckdb.Error as exc:
        raise ValueError(str(exc)) from exc
    if not statements:
        raise ValueError("no statement")


Sql = Annotated[str, AfterValidator(check_sql)]


def evaluate(sql: str, batch: Batch, *, exact: bool = False) -> pa.Array:
    """The value of an SQL expression on every row. `_id` is the row id.

    Args:
        sql: the expression.
        batch: the rows.
        exact: whether decimals come back as decimals; else they are float64.

    Raises:
        UnknownColumn: a column that the batch does not have.
        RecipeError: DuckDB refuses the expression on these columns, for instance a text that is no number.
    """
    names = sql_columns(sql)
    missing = sorted(names - batch.columns.keys())
    if missing:
        raise UnknownColumn(
            what=f"the SQL expression {sql!r} uses {missing[0]!r}, which table {batch.table!r} does not have",
            fix=did_you_mean(missing[0], batch.columns, label="columns"),
        )
    return _plain(_run(sql, pa.table({"_id": batch.ids, **{name: batch[name] for name in names}})), exact=exact)


def _run(sql: str, table: pa.Table) -> pa.Array:
    import duckdb

    connection = _connection()
    connection.register("batch", table)
    try:
        result = connection.sql(f"SELECT ({sql}\n) AS value FROM batch").to_arrow_table()  # noqa: S608  # parsed: one expression
    except duckdb.Error as exc:
        raise _uncomputed(sql, exc) from exc
    finally:
        connection.unregister("batch")
    return result.column(0).combine_chunks()


def _uncomputed(sql: str, error: duckdb.Error) -> RecipeError:
    first = str(error).split("\n", 1)[0]
    return RecipeError(what=f"the SQL expression {sql!r} cannot be computed: {first}", fix="correct it or cast the column")


def _plain(values: pa.Array, *, exact: bool) -> pa.Array:
    """Types that every reader knows: decimals as float64 unless they are to be exact, dictionaries and large strings as strings."""
    if isinstance(values, pa.ChunkedArray):  # what combine_chunks gives for no chunks, in some versions
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_decimal(values.type) and not exact:
        return values.cast(pa.float64())
    if pa.types.is_dictionary(values.type):
        return values.dictionary_decode()
    if pa.types.is_large_string(values.type):
        return values.cast(pa.string())
    return values


def rows_where(sql: str, batch: Batch, *, unknown: bool = False) -> npt.NDArray[np.bool_]:
    """Where an SQL condition is true, bool [n].

    Args:
        sql: the condition.
        batch: the rows.
        unknown: what null counts as: a row that a rule says nothing about keeps the rule.

    Raises:
        RecipeError: the expression is not a condition.
    """
    values = evaluate(sql, batch)
    if pa.types.is_null(values.type):
        return np.full(len(batch), unknown)
    if not pa.types.is_boolean(values.type):
        raise _no_condition(sql, values.type)
    return values.fill_null(unknown).to_numpy(zero_copy_only=False)


def row_where(sql: str, row: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> bool:
    """Whether an SQL condition is true of one row; null counts as false.

    The same as `rows_where` on a batch of one, at a sixth of its cost: a row that waits for a model's answer comes alone.

    Args:
        sql: the condition.
        row: name -> Python value, with `_id`; more than the condition reads may be there.
        types: the columns' Arrow types.

    Raises:
        UnknownColumn: a column that the row does not have.
        RecipeError: DuckDB refuses the expression on these values, or it is not a condition.
    """
    import duckdb

    names = tuple(sorted(sql_columns(sql)))
    statement = _prepared(sql, names, tuple(types.get(name) for name in names))
    try:
        [(value,)] = _connection().execute(statement, [row["_id"], *(row[name] for name in names)]).fetchall()
    except duckdb.Error as exc:
        raise _uncomputed(sql, exc) from exc
    if value is not None and not isinstance(value, bool):
        raise _no_condition(sql, type(value).__name__)
    return bool(value)


def _prepared(sql: str, names: tuple[str, ...], types: tuple[pa.DataType | None, ...]) -> duckdb.Statement:
    """The condition over one row of parameters, parsed once a thread."""
    known: dict[Any, duckdb.Statement] = _LOCAL.__dict__.setdefault("statements", {})
    found = known.get((sql, types))
    if found is None:
        for name, kind in zip(names, types, strict=True):
            if kind is None:
                raise UnknownColumn(what=f"the SQL expression {sql!r} uses {name!r}, which this row does not have")
        quoted = [sql_name(name) for name in names]
        casts = ["?::BIGINT AS _id", *(f"{_parameter(kind)} AS {name}" for name, kind in zip(quoted, types, strict=True))]
        [found] = _connection().extract_statements(f"SELECT ({sql}\n) FROM (SELECT {', '.join(casts)}) AS batch")  # noqa: S608  # parsed: one expression
        if len(known) < 4096:
            known[sql, types] = found
    return found


def _parameter(kind: pa.DataType | None) -> str:
    """A parameter that DuckDB takes for this Arrow type, as it would take the column itself."""
    if kind is None or pa.types.is_null(kind):
        return "?"
    connection = _connection()
    connection.register("batch", pa.table({"value": pa.array([], kind)}))
    try:
        [(_, shown, *_)] = connection.execute("DESCRIBE batch").fetchall()
    finally:
        connection.unregister("batch")
    return f"CAST(? AS {shown})"


def _no_condition(sql: str, got: object) -> RecipeError:
    return RecipeError(what=f"the condition {sql!r} gives {got}, not true or false", fix="compare it with something")
