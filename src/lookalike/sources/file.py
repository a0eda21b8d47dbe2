"""Tables in files: CSV, Parquet, JSON, JSON Lines, Excel."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lookalike.errors import SourceError
from lookalike.optional import require
from lookalike.sources.base import Outline, Source, checked, stamp, under
from lookalike.sources.encodings import encoding_of, text_of

Format = Literal["csv", "parquet", "json", "jsonl", "excel"]
FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
_GROUPED = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_COMMA = re.compile(r"^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$")
_PLAIN = re.compile(r"^[+-]?\d+([.,]\d+)?$")
_CODE = re.compile(r"^(0\d+|\+\d{7,15}|[+-]?\d{19,})$")
_PAGE = re.compile(r"\ufeff?\s*<(!doctype html|html)\b", re.IGNORECASE)
HEAD = 65_536  # bytes looked at to find out a CSV's form
BLOCK = 16 << 20
NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")


class File(Source):
    """A table in a file. The format is told by the ending; a CSV's delimiter, encoding and number style are found out.

    Example:
        ```yaml
        sources:
          ward: {kind: file, path: data/ward.csv}
        ```
    """

    kind: ClassVar[str] = "file"

    path: str
    format: Format | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    columns: tuple[str, ...] | None = None

    def read(self, root: Path) -> pa.Table:
        """All rows."""
        path = under(root, self.path)
        stamp(path)
        if path.is_dir():
            raise SourceError(what="this is a folder", where=str(path), fix="name a file in it, or use `kind: folder`")
        form = self._format(path)
        if form is None:
            raise SourceError(
                what=f"no format is known by {path.suffix!r}",
                where=str(path),
                fix=f"say `format:`, one of {', '.join(sorted(set(FORMATS.values())))}",
            )
        readers = {"csv": self._csv, "parquet": _parquet, "json": self._json, "jsonl": self._json, "excel": self._excel}
        table = checked(readers[form](path), str(path))
        if self.columns is not None:
            missing = [name for name in self.columns if name not in table.column_names]
            if missing:
                raise SourceError(
                    what=f"there is no column {missing[0]!r}", where=str(path), fix=f"columns: {', '.join(table.column_names)}"
                )
            table = table.select(list(self.columns))
        return table

    def outline(self, root: Path) -> Outline:
        """Of a Parquet file from its footer alone."""
        path = under(root, self.path)
        if self.columns is not None or self._format(path) != "parquet":
            return super().outline(root)
        stamp(path)
        with _opened(path) as file:
            empty = checked(file.schema_arrow.empty_table(), str(path))
            return Outline(tuple(empty.column_names), file.metadata.num_rows)

    def _format(self, path: Path) -> Format | None:
        name = path.name.lower().removesuffix(".gz")
        return self.format or FORMATS.get(Path(name).suffix)

    def version(self, root: Path) -> str:
        """Size and time."""
        return stamp(under(root, self.path))

    def _csv(self, path: Path) -> pa.Table:
        data = _bytes(path)
        if not data.strip():
            raise SourceError(what="the file is empty", where=str(path), fix="give a header and rows")
        text_encoding = self.encoding or encoding_of(data, str(path))
        try:
            head = data[:HEAD].decode(text_encoding, errors="replace")
        except LookupError as exc:
            raise SourceError(what=f"unknown encoding {self.encoding!r}", where=str(path), fix="use utf-8 or latin-1") from exc
        if _PAGE.match(head):  # what a download gives when it needed a login
            raise SourceError(what="this is a web page, not a table", where=str(path), fix="download the file itself")
        delimiter = self.delimiter or _delimiter(head)
        rows = _rows(head, delimiter, whole=len(data) <= HEAD)
        _check_header(rows[0], path)
        codes = _codes(rows)
        try:
            # Arrow takes broken UTF-8 for binary data, and calls back into Python from its own threads for other encodings
            if self.encoding or text_encoding != "utf-8":
                data, text_encoding = text_of(data, str(path), text_encoding).encode(), "utf-8"
            try:
                table = _read_csv(data, BLOCK, delimiter=delimiter, codes=codes)
            except pa.ArrowInvalid:  # a cell longer than a block, or a column whose type only later rows show
                table = _read_csv(data, len(data) + 1, delimiter=delimiter, codes=codes)
        except pa.ArrowInvalid as exc:
            what = _ragged(data, text_encoding, delimiter) or f"the CSV cannot be read: {exc}"
            raise SourceError(what=what, where=str(path), fix="mend that line, or say `delimiter:` and `encoding:`") from exc
        if table.num_rows == 0:
            raise SourceError(what="the file has a header and no rows", where=str(path), fix="give at least one row")
        return _numbers(table.rename_columns([name.strip() for name in table.column_names]))

    def _json(self, path: Path) -> pa.Table:
        text = text_of(_bytes(path), str(path), self.encoding)
        if not text.strip():
            raise SourceError(what="the file is empty", where=str(path), fix="give at least one object")
        rows = _objects(text, path)
        if not all(isinstance(row, dict) for row in rows):
            raise SourceError(what="a row is not an object", where=str(path), fix="write one object a row")
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns: dict[str, pa.Array] = {}
        for name in names:
            cells = [row.get(name) for row in rows]
            try:
                name.encode()
                columns[name] = _cells(cells)
            except UnicodeEncodeError as exc:
                raise SourceError(
                    what=f"column {name!r} holds half a character ({exc.object[exc.start]!a}), which is no text",
                    where=str(path),
                    fix=r"write the whole character, or both halves of it, as in \ud83d\ude00",
                ) from exc
            except OverflowError as exc:
                raise SourceError(
                    what=f"column {name!r} holds a whole number of more than 38 digits",
                    where=str(path),
                    fix="put it in quotes: as a text it keeps all of them",
                ) from exc
        return pa.table(columns)

    def _excel(self, path: Path) -> pa.Table:
        calamine = require("python_calamine", extra="excel")
        try:
            book = calamine.CalamineWorkbook.from_path(str(path))
        except (calamine.CalamineError, OSError) as exc:
            raise SourceError(
                what=f"the workbook cannot be read: {exc}", where=str(path), fix="save it again as .xlsx"
            ) from exc
        name = self.sheet or book.sheet_names[0]
        if name not in book.sheet_names:
            raise SourceError(what=f"there is no sheet {name!r}", where=str(path), fix=f"sheets: {', '.join(book.sheet_names)}")
        header, *rows = book.get_sheet_by_name(name).to_python() or [[]]
        _check_header([str(cell) for cell in header], path)
        columns = {}
        for number, title in enumerate(header):
            cells = [None if row[number] == "" else row[number] for row in rows]
            whole = all(cell is None or (isinstance(cell, float) and cell.is_integer()) for cell in cells)
            try:
                columns[str(title)] = pa.array([None if c is None else int(c) for c in cells] if whole else cells)
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                columns[str(title)] = pa.array([None if cell is None else str(cell) for cell in cells])
        return pa.table(columns)


def _bytes(path: Path) -> bytes:
    """The file's bytes, unpacked when it is gzipped."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.name.lower().endswith(".gz") else data
    except (OSError, EOFError, zlib.error) as exc:
        raise SourceError(
            what=f"the file cannot be read: {exc}", where=str(path), fix="check its rights, and that it is whole"
        ) from exc


def _check_header(names: list[str], path: Path) -> None:
    names = [name.strip() for name in names]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SourceError(what=f"duplicate column names: {', '.join(doubled)}", where=f"{path}:1", fix="rename them")
    if any(not name.strip() for name in names):
        raise SourceError(what="a column has an empty name", where=f"{path}:1", fix="name every column in the header")


def _rows(head: str, delimiter: str, *, whole: bool) -> list[list[str]]:
    """The rows at the file's head; the last one is left out where the head cuts it."""
    try:
        rows = [row for row in csv.reader(io.StringIO(head, newline=None), delimiter=delimiter) if row]
    except csv.Error:  # a cell longer than the csv module reads
        return [next(csv.reader([head.split("\n", 1)[0]], delimiter=delimiter))]
    return rows if whole or len(rows) < 2 else rows[:-1]


def _delimiter(head: str) -> str:
    """The sign that cuts most rows as it cuts the header."""

    def fit(sign: str) -> tuple[float, int]:
        rows = _rows(head, sign, whole=False)[:100]
        width = len(rows[0])
        return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)

    best = max(",;\t|", key=fit)
    return best if fit(best)[0] >= 0.5 else ","


def _codes(rows: list[list[str]]) -> list[str]:
    """Columns of codes that numbers cannot hold: 02134 loses its zero, +4915112345678 its plus, 19 digits the last of them."""
    return [
        name for number, name in enumerate(rows[0]) if any(_CODE.match(row[number]) for row in rows[1:] if number < len(row))
    ]


def _read_csv(data: bytes, block: int, *, delimiter: str, codes: list[str]) -> pa.Table:
    return pc.read_csv(
        pa.BufferReader(data),
        read_options=pc.ReadOptions(block_size=min(block, 2**31 - 1)),
        parse_options=pc.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pc.ConvertOptions(
            null_values=list(NULLS), strings_can_be_null=True, column_types=dict.fromkeys(codes, pa.string())
        ),
    )


def _ragged(data: bytes, encoding: str, delimiter: str) -> str:
    """Which line has another number of cells than the header."""
    reader = csv.reader(io.StringIO(data.decode(encoding, errors="replace"), newline=None), delimiter=delimiter)
    try:
        width = len(next(reader))
        for row in reader:
            if row and len(row) != width:
                return f"line {reader.line_num} has {len(row)} cells, the header {width}"
    except csv.Error:  # a cell longer than the csv module reads: Arrow's own words must do
        return ""
    return ""


def _numbers(table: pa.Table) -> pa.Table:
    """Texts that are numbers with thousands separators or decimal commas, as numbers."""
    cleaners: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
        (_GROUPED, lambda text: text.replace(",", "")),
        (_COMMA, lambda text: text.replace(".", "").replace(",", ".")),
    )
    for number, name in enumerate(table.column_names):
        column = table[name]
        if not pa.types.is_string(column.type):
            continue
        sample = [text.strip() for text in column.drop_null().slice(0, 200).to_pylist()]
        for pattern, clean in cleaners:
            if sample and any(pattern.match(t) for t in sample) and all(pattern.match(t) or _PLAIN.match(t) for t in sample):
                try:
                    values = pa.array([None if text is None else float(clean(text.strip())) for text in column.to_pylist()])
                except ValueError:
                    break
                table = table.set_column(number, name, values)
                break
    return table


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as exc:
        reason = str(exc).splitlines()[0]
        raise SourceError(
            what=f"the Parquet file cannot be read: {reason}", where=str(path), fix="write it again, with plain types"
        ) from exc


def _parquet(path: Path) -> pa.Table:
    with _opened(path) as file:
        return file.read()


def _objects(text: str, path: Path) -> list[Any]:
    """Rows of a JSON text: a list, one object a line, columns as lists, or one object that holds a list of rows."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as exc:
        lines = [line for line in text.split("\n") if line.strip()]
        if text.lstrip().startswith("[") or len(lines) < 2:
            where = f"{path}:{exc.lineno}:{exc.colno}"
            raise SourceError(what=f"this is not JSON: {exc.msg}", where=where, fix="mend it there") from exc
        return [_line(line, number, path) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not isinstance(whole, dict):
        return whole if isinstance(whole, list) else [whole]
    lists = [value for value in whole.values() if isinstance(value, list)]
    if len(lists) == 1 and lists[0] and all(isinstance(row, dict) for row in lists[0]):
        return lists[0]
    if lists and len(lists) == len(whole) and len({len(cells) for cells in lists}) == 1:
        return [dict(zip(whole, cells, strict=True)) for cells in zip(*lists, strict=True)]
    return [whole]


def _cells(cells: list[Any]) -> pa.Array:
    """JSON values as one column: of whole numbers to their last digit, and JSON text where no type holds them all."""
    try:
        return pa.array(cells)
    except OverflowError:
        whole = [cell for cell in cells if cell is not None]
        if not all(type(cell) is int for cell in whole) or max(abs(cell) for cell in whole) >= 10**38:
            raise
        fits = min(whole) >= 0 and max(whole) < 2**64
        return pa.array(cells, pa.uint64() if fits else pa.decimal128(38, 0))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells])


def _line(line: str, number: int, path: Path) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as exc:
        raise SourceError(
            what=f"this is not JSON: {exc.msg}", where=f"{path}:{number}:{exc.colno}", fix="mend that line"
        ) from exc
