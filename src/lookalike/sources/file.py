"""Tables in files: CSV, Parquet, JSON, JSON Lines, Excel."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lookalike.errors import SourceError
from lookalike.optional import require
from lookalike.sources.base import Source, checked, stamp, under

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
        form = self.format or FORMATS.get(path.suffix.lower().removesuffix(".gz"))
        if form is None:
            raise SourceError(what=f"no format is known by {path.suffix!r}", where=str(path), fix=f"say `format:`, one of {', '.join(sorted(set(FORMATS.values())))}")
        readers = {"csv": self._csv, "parquet": _parquet, "json": _json, "jsonl": _json, "excel": self._excel}
        table = checked(readers[form](path), str(path))
        if self.columns is not None:
            missing = [name for name in self.columns if name not in table.column_names]
            if missing:
                raise SourceError(what=f"there is no column {missing[0]!r}", where=str(path), fix=f"columns: {', '.join(table.column_names)}")
            table = table.select(list(self.columns))
        return table

    def version(self, root: Path) -> str:
        """Size and time."""
        return stamp(under(root, self.path))

    def _csv(self, path: Path) -> pa.Table:
        data = path.read_bytes()
        if not data.strip():
            raise SourceError(what="the file is empty", where=str(path), fix="give a header and rows")
        text_encoding = self.encoding or _encoding(data)
        try:
            head = data[:65_536].decode(text_encoding, errors="replace")
        except LookupError as exc:
            raise SourceError(what=f"unknown encoding {self.encoding!r}", where=str(path), fix="use utf-8 or latin-1") from exc
        delimiter = self.delimiter or _delimiter(head)
        _check_header(next(csv.reader(io.StringIO(head), delimiter=delimiter)), path)
        try:
            table = pc.read_csv(
                pa.BufferReader(data),
                read_options=pc.ReadOptions(encoding=text_encoding),
                parse_options=pc.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=pc.ConvertOptions(null_values=list(NULLS), strings_can_be_null=True),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError) as exc:
            raise SourceError(what=_ragged(data, text_encoding, delimiter) or f"the CSV cannot be read: {exc}", where=str(path), fix="mend that line, or say `delimiter:` and `encoding:`") from exc
        return _numbers(table)

    def _excel(self, path: Path) -> pa.Table:
        calamine = require("python_calamine", extra="excel")
        book = calamine.CalamineWorkbook.from_path(str(path))
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


def _check_header(names: list[str], path: Path) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SourceError(what=f"duplicate column names: {', '.join(doubled)}", where=f"{path}:1", fix="rename them")
    if any(not name.strip() for name in names):
        raise SourceError(what="a column has an empty name", where=f"{path}:1", fix="name every column in the header")


def _encoding(data: bytes) -> str:
    """UTF-8 when it is, UTF-16 by its mark, else Windows Latin: every byte means something there."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(head: str) -> str:
    try:
        return csv.Sniffer().sniff("\n".join(head.splitlines()[:50]), delimiters=",;\t|").delimiter
    except csv.Error:
        return ","


def _ragged(data: bytes, encoding: str, delimiter: str) -> str:
    """Which line has another number of cells than the header."""
    reader = csv.reader(io.StringIO(data.decode(encoding, errors="replace")), delimiter=delimiter)
    width = len(next(reader))
    for row in reader:
        if row and len(row) != width:
            return f"line {reader.line_num} has {len(row)} cells, the header {width}"
    return ""


def _numbers(table: pa.Table) -> pa.Table:
    """Texts that are numbers with thousands separators or decimal commas, as numbers."""
    for number, name in enumerate(table.column_names):
        column = table[name]
        if not pa.types.is_string(column.type):
            continue
        sample = [text.strip() for text in column.drop_null().slice(0, 200).to_pylist()]
        for pattern, clean in ((_GROUPED, lambda t: t.replace(",", "")), (_COMMA, lambda t: t.replace(".", "").replace(",", "."))):
            plain = re.compile(r"^[+-]?\d+([.,]\d+)?$")
            if sample and any(pattern.match(t) for t in sample) and all(pattern.match(t) or plain.match(t) for t in sample):
                try:
                    values = pa.array([None if text is None else float(clean(text.strip())) for text in column.to_pylist()])
                except ValueError:
                    break
                table = table.set_column(number, name, values)
                break
    return table


def _parquet(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as exc:
        raise SourceError(what=f"the Parquet file cannot be read: {exc}", where=str(path), fix="write it again, with plain types") from exc


def _json(path: Path) -> pa.Table:
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        raise SourceError(what="the file is empty", where=str(path), fix="give at least one object")
    rows = []
    try:
        rows = json.loads(text) if text.lstrip().startswith("[") else [_line(line, n, path) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    except json.JSONDecodeError as exc:
        raise SourceError(what=f"this is not JSON: {exc.msg}", where=f"{path}:{exc.lineno}:{exc.colno}", fix="mend it there") from exc
    if not all(isinstance(row, dict) for row in rows):
        raise SourceError(what="rows must be objects", where=str(path), fix="write one object a row")
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        cells = [row.get(name) for row in rows]
        try:
            columns[name] = pa.array(cells)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            columns[name] = pa.array([c if c is None or isinstance(c, str) else json.dumps(c) for c in cells])
    return pa.table(columns)


def _line(line: str, number: int, path: Path) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as exc:
        raise SourceError(what=f"this is not JSON: {exc.msg}", where=f"{path}:{number}:{exc.colno}", fix="mend that line") from exc
