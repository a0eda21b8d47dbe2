"""Cells that are lists, objects or JSON texts: learned as a tree of shapes, drawn node by node.

Keys, list lengths, numbers and common texts keep their distributions; nodes are drawn independently of each other and of the
other columns. Texts that fewer than `K` cells share are never remembered: words and shapes stand in for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from lookalike.synthesizers import prose

K = 5
MOST_CELLS = 5_000
MOST_TEXTS = 500


def learn(cells: list[Any], k: int = K) -> dict[str, Any]:
    """The tree of shapes of Python values (dict, list, str, int, float, bool, None)."""
    cells = cells[:: max(1, len(cells) // MOST_CELLS)]
    groups: dict[str, list[Any]] = {}
    for cell in cells:
        groups.setdefault(_kind(cell), []).append(cell)
    return {kind: {"n": len(values), **_LEARN[kind](values, k)} for kind, values in sorted(groups.items())}


def _kind(cell: Any) -> str:
    if cell is None or isinstance(cell, (dict, list, str)):
        return {type(None): "null", dict: "object", list: "list", str: "text"}.get(type(cell), "text")
    if isinstance(cell, bool):
        return "boolean"
    return "integer" if isinstance(cell, int) else "number" if isinstance(cell, float) else "other"


def _learn_object(values: list[dict[str, Any]], k: int) -> dict[str, Any]:
    names = Counter(name for value in values for name in value)
    kept = [name for name, rows in names.items() if rows >= min(k, len(values))]
    there = {name: [value[name] for value in values if name in value] for name in kept}
    return {"fields": {name: {"share": len(cells) / len(values), "value": learn(cells, k)} for name, cells in there.items()}}


def _learn_list(values: list[list[Any]], k: int) -> dict[str, Any]:
    lengths = np.quantile([len(value) for value in values], np.linspace(0.01, 0.99, 17))
    items = [item for value in values for item in value]
    return {"lengths": [round(float(q)) for q in lengths], "item": learn(items, k) if items else {}}


def _learn_number(values: list[float], k: int) -> dict[str, Any]:  # noqa: ARG001  # one signature for all kinds
    numbers = np.array([value for value in values if np.isfinite(value)] or [0.0], float)
    digits = next((d for d in range(7) if bool((np.round(numbers, d) == numbers).all())), 15)
    return {"quantiles": np.quantile(numbers, np.linspace(0.01, 0.99, 33)).tolist(), "digits": digits}


def _learn_text(values: list[str], k: int) -> dict[str, Any]:
    counts = [(text, count) for text, count in Counter(values).most_common(MOST_TEXTS) if count >= k]
    common = {text for text, _ in counts}
    rest = [value for value in values if value not in common]
    return {"common": counts, "rest": len(rest), "prose": prose.learn(rest, k) if rest else {}}


def _learn_boolean(values: list[bool], k: int) -> dict[str, Any]:  # noqa: ARG001
    return {"share": sum(values) / len(values)}


def _nothing(values: list[Any], k: int) -> dict[str, Any]:  # noqa: ARG001
    return {}


_LEARN: dict[str, Callable[[list[Any], int], dict[str, Any]]] = {
    "object": _learn_object, "list": _learn_list, "number": _learn_number, "integer": _learn_number, "text": _learn_text,
    "boolean": _learn_boolean, "null": _nothing, "other": _nothing,
}  # fmt: skip


def write(tree: dict[str, Any], n: int, draws: np.random.Generator) -> list[Any]:
    """`n` cells of the learned shapes."""
    kinds = list(tree)
    if not kinds or n == 0:
        return [None] * n
    weights = np.array([tree[kind]["n"] for kind in kinds], float)
    which = draws.choice(len(kinds), n, p=weights / weights.sum())
    out: list[Any] = [None] * n
    for index, kind in enumerate(kinds):
        rows = np.flatnonzero(which == index)
        for row, cell in zip(rows.tolist(), _write(kind, tree[kind], len(rows), draws), strict=True):
            out[row] = cell
    return out


def _write(kind: str, node: dict[str, Any], n: int, draws: np.random.Generator) -> list[Any]:
    if kind == "object":
        fields = {name: (draws.random(n) < f["share"], write(f["value"], n, draws)) for name, f in node["fields"].items()}
        return [{name: cells[i] for name, (there, cells) in fields.items() if there[i]} for i in range(n)]
    if kind == "list":
        lengths = np.interp(draws.random(n), np.linspace(0, 1, 17), node["lengths"]).round().astype(int)
        items = iter(write(node["item"], int(lengths.sum()), draws))
        return [[next(items) for _ in range(length)] for length in lengths.tolist()]
    if kind in ("number", "integer"):
        numbers = np.interp(draws.random(n), np.linspace(0, 1, 33), node["quantiles"])
        return [round(v) for v in numbers.tolist()] if kind == "integer" else np.round(numbers, node["digits"]).tolist()
    if kind == "boolean":
        return (draws.random(n) < node["share"]).tolist()
    if kind == "text":
        texts = prose.write(node["prose"], n, draws) if node["rest"] else [""] * n
        counts = np.array([count for _, count in node["common"]] + [node["rest"]], float)
        for row, pick in enumerate(draws.choice(len(counts), n, p=counts / counts.sum()).tolist()):
            if pick < len(node["common"]):
                texts[row] = node["common"][pick][0]
        return list(texts)
    return [None] * n
