"""SQL expressions over a row, run by DuckDB: `when`, `keep`, `expression`, filters and rules.

An expression is a function of its row alone: aggregates, windows, subqueries and functions that change from call to call
are refused, so a value never depends on how rows are cut into batches. DuckDB runs in memory with file and network access
switched off and its configuration locked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import AfterValidator

from lookalike.errors import RecipeError, UnknownColumn, did_you_mean
from lookalike.rows.batch import Batch

if TYPE_CHECKING:
    import duckdb

_LOCAL = threading.local()
_CLOCKS = frozenset({"current_date", "current_timestamp", "current_time", "localtime", "localtimestamp"})
# what most expressions are made of: asking DuckDB which of its functions are no plain ones costs more than opening it
PLAIN = frozenset(
    {"+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "abs", "concat", "contains", "ends_with", "exp", "floor", "greatest",
     "least", "len", "length", "list_value", "ln", "lower", "replace", "round", "sqrt", "starts_with", "struct_extract",
     "struct_pack", "substr", "substring", "trim", "upper"}
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
def _forbidden_functions() -> dict[str, str]:
    """Function name -> why an expression cannot use it."""
    rows = _connection().execute("SELECT function_name, function_type, stability FROM duckdb_functions()").fetchall()
    scalars = {name for name, sort, _ in rows if sort in ("scalar", "macro")}
    reasons = {
        name: "an aggregate over rows; an expression sees one row"
        for name, sort, _ in rows
        if sort == "aggregate" and name not in scalars
    }
    for name, sort, stability in rows:
        if sort == "scalar" and stability in ("VOLATILE", "CONSISTENT_WITHIN_QUERY") and name != "error":
            reasons[name] = "not the same every time; draw it in a column of its own, or write the date down"
    for name in _CLOCKS:
        reasons[name] = "the clock, and not the same every time; write the date down, as DATE '2026-01-31'"
    return reasons


def _names(node: Any, bound: frozenset[str], sql: str, found: set[str]) -> None:  # noqa: C901  # one case a node class
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
        if path[0].lower() in _CLOCKS:
            raise RecipeError(what=f"{sql!r} uses {path[0]}: {_forbidden_functions()[path[0].lower()]}")
        if path[0] not in bound:
            found.add(path[0])
        return
    if sort == "LAMBDA":
        own: set[str] = set()
        _names(node.get("lhs"), frozenset(), sql, own)
        _names(node.get("expr"), bound | own, sql, found)
        return
    name = node.get("function_name", "").lower() if sort == "FUNCTION" else ""
    if name and name not in PLAIN and name in _forbidden_functions():
        raise RecipeError(what=f"{sql!r} uses {node['function_name']}(): {_forbidden_functions()[name]}")
    for value in node.values():
        _names(value, bound, sql, found)


@lru_cache(maxsize=4096)
def sql_columns(sql: str) -> frozenset[str]:
    """The columns that an SQL expression reads. A parent's field (`patients.sex`) reads the column `patients`.

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
    found: set[str] = set()
    _names(nodes[0]["select_list"], frozenset(), sql, found)
    return frozenset(found) - {"_id"}


def check_sql(sql: str) -> str:
    """The text itself, when it is one expression over a row; for pydantic fields.

    Raises:
        ValueError: it is not.
    """
    try:
        sql_columns(sql)
    except RecipeError as exc:
        raise ValueError(str(exc)) from exc
    return sql


Sql = Annotated[str, AfterValidator(check_sql)]


def evaluate(sql: str, batch: Batch) -> pa.Array:
    """The value of an SQL expression on every row. `_id` is the row id. Decimals come back as float64.

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
    return _plain(_run(sql, pa.table({"_id": batch.ids, **{name: batch[name] for name in names}})))


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


def _plain(values: pa.Array) -> pa.Array:
    """Types that every reader knows: decimals as float64, dictionaries and large strings as strings."""
    if isinstance(values, pa.ChunkedArray):  # what combine_chunks gives for no chunks, in some versions
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_decimal(values.type):
        return values.cast(pa.float64())
    if pa.types.is_dictionary(values.type):
        return values.dictionary_decode()
    if pa.types.is_large_string(values.type):
        return values.cast(pa.string())
    return values


def rows_where(sql: str, batch: Batch) -> npt.NDArray[np.bool_]:
    """Where an SQL condition is true; null counts as false.

    Raises:
        RecipeError: the expression is not a condition.
    """
    values = evaluate(sql, batch)
    if pa.types.is_null(values.type):
        return np.zeros(len(batch), bool)
    if not pa.types.is_boolean(values.type):
        raise _no_condition(sql, values.type)
    return values.fill_null(False).to_numpy(zero_copy_only=False)


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
        quoted = ['"' + name.replace('"', '""') + '"' for name in names]
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
