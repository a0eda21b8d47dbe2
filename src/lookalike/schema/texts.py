"""What a column of texts is: a category, a boolean, a date, an identifier, someone's name, JSON, or prose."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema import dates, durations, patterns, scales
from lookalike.schema.semantics import amounts, several
from lookalike.schema.types import ColumnSchema, Semantic

SAMPLE = 400  # distinct texts whose shape is looked at
BOOLEANS = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"}, {"0", "1"}, {"on", "off"}, {"ja", "nein"}, {"oui", "non"})
FEW = 20  # different texts up to which numbers are levels
UNIQUE = 0.99  # of the rows, from which on texts are codes
LONG = 12  # digits of a number that counts nothing


def text_column(column: ColumnSchema, values: pa.ChunkedArray) -> ColumnSchema:
    """The semantic type of a column of large_string."""
    counted = values.combine_chunks().drop_null().value_counts()
    levels, rows = counted.field("values"), int(pc.sum(counted.field("counts")).as_py())
    distinct = len(levels)
    sample = levels.take(pa.array(range(0, distinct, max(1, distinct // SAMPLE)))).to_pylist()
    if distinct == 1:
        semantic: Semantic = "category" if column.nullable else "constant"
        return replace(column, semantic=semantic, reason="one value")
    if {str(text).strip().lower() for text in sample} in BOOLEANS and distinct == 2:
        return replace(column, semantic="boolean", reason=f"only {sample[0]} and {sample[1]}")
    return _shaped(column, sample, levels, counted.field("counts").to_pylist()) or _worded(column, sample, levels, rows)


def _shaped(column: ColumnSchema, sample: list[str], levels: pa.Array, counts: list[int]) -> ColumnSchema | None:
    """Texts whose shape tells: dates, personal identifiers, JSON, numbers."""
    kind, why = patterns.personal(column.name, sample)
    if kind and not (kind == "name" and len(levels) < 12):
        return replace(column, semantic=kind, reason=why)  # type: ignore[arg-type]  # patterns give semantic names
    form = durations.find_form(sample, patterns.snake(column.name))
    if form and len(levels) > 2 and durations.parse(levels.to_pylist(), form).null_count == 0:
        return replace(column, semantic="duration", format=form, reason=f"every text is a duration as {form}")
    if dates.SHAPE.match(sample[0]) and dates.SHAPE.match(sample[-1]):
        found = dates.find(levels.to_pylist(), counts)
        if found is not None and (dated := _dated(column, found)):
            return dated
    if all(text[:1] in "{[" and _is_json(text) for text in sample if text.strip()):
        return replace(column, semantic="json", reason="texts are JSON objects or lists")
    if all(patterns.UUID.fullmatch(text) for text in sample):
        return replace(column, semantic="id", format=patterns.id_regex(sample), reason="texts are UUIDs")
    if len(levels) > FEW and (number := _numbered(column, sample, levels)):
        return number
    if len(levels) > FEW and (held := _several(column, sample, levels, sum(counts))):
        return held
    return None


def _dated(column: ColumnSchema, found: dates.Found) -> ColumnSchema | None:
    """Texts of moments: one format, or a few with their shares."""
    (form, _), *also = found.forms
    timed = [bool(re.search("%-?[HI]", each)) for each, _ in found.forms]
    dated = [bool(re.search("%-?[YyBbm]", each)) for each, _ in found.forms]
    if not any(dated):
        return None if also else replace(column, semantic="time", format=form, reason=f"every text is a time of day as {form}")
    if not all(dated) or len(set(timed)) > 1:
        return None
    named = form if not also else ", ".join(f"{each} ({part:.0%})" for each, part in found.forms)
    reason = f"every text is a date as {named}" + (f" with the offsets of {found.zone}" if found.zone else "")
    return replace(
        column, semantic="datetime" if timed[0] else "date", format=form, also=tuple(also), unit=found.zone,
        reason=reason + (f"; {found.doubt}" if found.doubt else ""),
    )  # fmt: skip


def _numbered(column: ColumnSchema, sample: list[str], levels: pa.Array) -> ColumnSchema | None:
    """Texts of numbers in one form: plain, with a currency, a unit or a percent sign."""
    form = amounts.find_form(sample)
    if form is not None and form.read(levels).missing.any():
        form = amounts.find_form(levels.to_pylist())
    if form is None or _is_code(form, sample) or form.read(levels).missing.any():
        return None
    decimals = form.digits if form.exact else None
    said = "a plain number" if form.text.strip("0.#") == "" else "a number"
    unit = (form.before + form.after).strip()
    return replace(
        column, semantic="integer" if decimals == 0 else "decimal", decimals=decimals, format=form.text,
        unit=unit or column.unit, reason=f"every text is {said} as {form.text}",
    )  # fmt: skip


def _several(column: ColumnSchema, sample: list[str], levels: pa.Array, rows: int) -> ColumnSchema | None:
    """Texts of several numbers that measure something: no codes, which differ in every row."""
    if patterns.ID_COLUMN.search(patterns.snake(column.name)) or several.find_shape(sample) is None:
        return None
    found = several.find_shape(levels.to_pylist())
    if found is None or (found[1] == "" and len(levels) > UNIQUE * rows):
        return None
    shape, unit, box = found
    reason = f"every text is {unit or 'several numbers'} as {shape.text}"
    return replace(column, semantic="several", format=shape.text, unit=unit, within=box, reason=reason)


def _is_code(form: amounts.Form, sample: list[str]) -> bool:
    """Whether whole numbers are too long to count anything: account numbers, barcodes."""
    return form.text == "0" and max(map(len, sample)) >= LONG and len({len(text) for text in sample}) <= 2


def _worded(column: ColumnSchema, sample: list[str], levels: pa.Array, rows: int) -> ColumnSchema:
    """Texts told apart by how often they repeat and how many words they have."""
    distinct = len(levels)
    order, scale = scales.order_of(levels.to_pylist()) if distinct <= 60 else ((), "")
    if order:
        return replace(column, semantic="category", order=order, reason=f"{distinct} values on {scale}")
    words = sum(len(text.split()) for text in sample) / len(sample)
    length = sum(len(text) for text in sample) / len(sample)
    name, fresh = patterns.snake(column.name), distinct / rows
    if patterns.STRICT_ID_COLUMN.search(name) and words < 1.5 and distinct > max(20, rows // 50):
        form = patterns.id_regex(sample)
        return replace(column, semantic="id", format=form, reason=f"the name {column.name!r} says identifier")
    if fresh > 0.99 and words < 1.5 and rows >= 20 and (patterns.ID_COLUMN.search(name) or any(map(_has_digit, sample))):
        return replace(column, semantic="id", format=patterns.id_regex(sample), reason="unique texts of one token")
    if (words >= 4 and fresh > 0.5 and rows >= 20) or length > 80:
        return replace(column, semantic="text", reason=f"prose: {words:.0f} words on average, {fresh:.0%} of the rows differ")
    if fresh > 0.9 and rows >= 50 and words >= 1.5:
        return replace(column, semantic="text", reason=f"{fresh:.0%} of the rows differ, {words:.1f} words on average")
    much = " (high cardinality)" if distinct > 50 else ""
    return replace(column, semantic="category", reason=f"{distinct} different texts in {rows} rows{much}")


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _is_json(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), (dict, list))
    except orjson.JSONDecodeError:
        return False
