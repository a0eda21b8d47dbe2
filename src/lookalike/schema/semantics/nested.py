"""Cells of cells: which of them can be learned as a tree of shapes and written again in their type."""

from __future__ import annotations

import pyarrow as pa

from lookalike.errors import SchemaError


def check(name: str, kind: pa.DataType) -> None:
    """Refuse what new cells could not be made of.

    Raises:
        SchemaError: a part that is no list, object, text, number or truth value.
    """
    bad = _unwritten(kind)
    if bad is not None:
        raise SchemaError(
            what=f"cells of {kind} hold {bad}, of which new ones cannot be made", where=name,
            fix="write these parts as text or numbers, make columns of them, or drop the column",
        )  # fmt: skip


def _unwritten(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_struct(kind):
        return next((bad for place in range(kind.num_fields) if (bad := _unwritten(kind.field(place).type))), None)
    if types.is_map(kind):
        return kind if not _is_text(kind.key_type) else _unwritten(kind.item_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _unwritten(kind.value_type)
    plain = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind) or _is_text(kind)
    return None if plain else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def plain_cells(kind: pa.DataType, cell: object) -> object:
    """A cell with its maps as objects."""
    if cell is None:
        return None
    if pa.types.is_map(kind):
        return {key: plain_cells(kind.item_type, item) for key, item in cell}  # type: ignore[attr-defined]  # pairs
    if pa.types.is_struct(kind):
        return {part.name: plain_cells(part.type, cell[part.name]) for part in kind}  # type: ignore[index]  # a dict
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [plain_cells(kind.value_type, item) for item in cell]  # type: ignore[attr-defined]  # a list
    return cell


def typed_cells(kind: pa.DataType, cell: object) -> object:
    """A cell of objects, lists and plain values as one of a type: maps as pairs, lists of a fixed size in it."""
    if cell is None:
        return None
    if pa.types.is_map(kind):
        return [(key, typed_cells(kind.item_type, item)) for key, item in cell.items()]  # type: ignore[attr-defined]  # a dict
    if pa.types.is_struct(kind):
        return {part.name: typed_cells(part.type, cell.get(part.name)) for part in kind}  # type: ignore[attr-defined]  # likewise
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [typed_cells(kind.value_type, item) for item in cell]  # type: ignore[attr-defined]  # a list
    return cell
