"""Drawings as SVG: small, labelled, in the page's colours, readable without colour.

Every function takes plain numbers and returns markup that is safe to place: names are escaped here, numbers are formatted here.
Real data is always a filled blue-grey shape, synthetic data an orange line or outline.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from lookalike.evaluate.base import shortened

Series = Sequence[float]
Matrix = Sequence[Sequence[float | None]]


def number(value: float | None) -> str:
    """A number for reading: three significant digits where they matter, thousands apart."""
    if value is None:
        return "not measured"
    size = abs(value)
    if value - value != 0:
        return "∞"
    if size >= 1000 or (size == int(size) and size > 1):
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if value == 0 or size >= 0.001:
        return f"{value:.3f}"
    return f"{value:.4f}" if size >= 0.0001 else ("<0.0001" if value > 0 else ">-0.0001")


def _svg(width: float, height: float, label: str, body: str, *, css: str = "") -> Markup:
    return Markup(  # noqa: S704  # every text in body went through escape
        f'<svg class="chart {css}" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(label)}" focusable="false">{body}</svg>'
    )


def _text(x: float, y: float, text: object, *, css: str = "", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" {more}>{escape(text)}</text>'


def _tick(value: float, form: str) -> str:
    if form == "time":
        try:
            return dt.datetime.fromtimestamp(value, dt.UTC).date().isoformat()
        except (OverflowError, OSError, ValueError):
            return f"{value:.3g}"
    if abs(value) >= 10_000:
        for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= factor:
                return f"{value / factor:.3g}{letter}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def marginal(name: str, detail: Mapping[str, Any]) -> Markup:
    """One column's two distributions laid over each other: steps for numbers and times, paired bars for categories."""
    series = detail.get("series") or {}
    if not series.get("real") or not series.get("synthetic"):
        return Markup("")
    if detail.get("edges"):
        return _steps(name, detail["edges"], series, str(detail.get("form", "number")))
    return _bars(name, detail.get("levels", []), series)


def _steps(name: str, edges: Series, series: Mapping[str, Series], form: str) -> Markup:
    width, top, bottom = 300.0, 6.0, 100.0
    highest = max(*series["real"], *series["synthetic"], 1e-9)
    count = len(series["real"])

    def points(values: Series) -> list[tuple[float, float]]:
        out = []
        for i, value in enumerate(values):
            y = bottom - (bottom - top) * value / highest
            out += [(i * width / count, y), ((i + 1) * width / count, y)]
        return out

    def path(values: list[tuple[float, float]]) -> str:
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in values)

    real, made = points(series["real"]), points(series["synthetic"])
    body = f'<path class="real-fill" d="{path([(0, bottom), *real, (width, bottom)])}Z"/>'
    body += f'<path class="made-line" d="{path(made)}"/>'
    body += f'<line class="axis" x1="0" x2="{width:g}" y1="{bottom:g}" y2="{bottom:g}"/>'
    for place, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        value = edges[0] + (edges[-1] - edges[0]) * place
        body += _text(place * width, bottom + 13, _tick(value, form), css="small", more=f'text-anchor="{anchor}"')
    return _svg(width, bottom + 17, f"Distribution of {name}: real as a filled shape, synthetic as a line", body)


def _bars(name: str, levels: Sequence[str], series: Mapping[str, Series]) -> Markup:
    rows = [
        (level, r, s) for level, r, s in zip(levels, series["real"], series["synthetic"], strict=True) if max(r, s) > 0.0005
    ]
    plain = [row for row in rows if row[0] not in ("(other)", "(null)")]
    kept = plain[:7]
    rest = [row for row in rows if row not in kept]
    others = [row for row in rest if row[0] != "(null)"]
    if others:
        kept.append(("other", sum(r for _, r, _ in others), sum(s for _, _, s in others)))
    kept += [("null", r, s) for level, r, s in rest if level == "(null)"]
    highest = max([max(r, s) for level, r, s in kept if level != "other"], default=1.0)
    left, width, step = 104.0, 300.0, 15.0
    body = ""
    for i, (level, real, made) in enumerate(kept):
        y = i * step + 2
        body += f"<g><title>{escape(level)}: real {real:.1%}, synthetic {made:.1%}</title>"
        body += _text(left - 6, y + 9.5, shortened(level, 17), css="small", more='text-anchor="end"')
        if level == "other" and max(real, made) > highest:  # many small ones together would dwarf each of them
            body += _text(left, y + 9.5, f"{real:.0%} real, {made:.0%} synthetic", css="small") + "</g>"
            continue
        body += f'<rect class="real-bar" x="{left:g}" y="{y:.1f}" height="6" width="{(width - left) * real / highest:.1f}"/>'
        body += f'<rect class="made-bar" x="{left:g}" y="{y + 6.5:.1f}" height="4.5" width="{(width - left) * made / highest:.1f}"/></g>'
    height = max(len(kept) * step + 2, 20)
    return _svg(width, height, f"Shares of the categories of {name}: real above, synthetic below", body)


def gauge(value: float | None, *, floor: float | None = None, ceiling: float | None = None,
          interval: Sequence[float] | None = None, label: str = "", lower: bool = False) -> Markup:  # fmt: skip
    """A value with its interval between the floor and the ceiling marks; better is to the right, also where `lower` is better."""
    if value is None or (floor is None and ceiling is None and interval is None):
        return Markup("")
    known = [v for v in (value, floor, ceiling, *(interval or ())) if v is not None and v - v == 0]
    low, high = min([*known, 0.0] if max(known) < 0.5 and min(known) >= 0 else known), max(known)
    least = 0.1 if high > 0.2 else 0.02  # a gap of a thousandth should not look like a gulf
    if high - low < least:
        end = 1.0 if high <= 1 < (low + high + least) / 2 else (low + high + least) / 2  # a perfect score is at the end
        low, high = end - least, end
    pad = (high - low) * 0.08
    low, high = low - pad, high + pad
    width = 150.0

    def x(v: float) -> float:
        place = (high - v if lower else v - low) / (high - low)
        return min(width - 4, max(4.0, place * width))

    body = f'<line class="track" x1="4" x2="{width - 4:g}" y1="11" y2="11"/>'
    if floor is not None:
        body += f'<g><title>floor {number(floor)}</title><path class="floor-mark" d="M{x(floor):.1f} 5v12"/></g>'
    if ceiling is not None:
        body += f'<g><title>ceiling {number(ceiling)}</title><path class="ceiling-mark" d="M{x(ceiling):.1f} 2v18"/></g>'
    if interval and all(v is not None for v in interval):
        body += f'<line class="interval" x1="{x(interval[0]):.1f}" x2="{x(interval[1]):.1f}" y1="11" y2="11"/>'
    body += f'<circle class="value-dot" cx="{x(value):.1f}" cy="11" r="4.2"/>'
    words = [f"{label} {number(value)}".strip()]
    words += [f"floor {number(floor)}"] if floor is not None else []
    words += [f"ceiling {number(ceiling)}"] if ceiling is not None else []
    return _svg(width, 22, ", ".join(words), body, css="gauge")


def forest(value: float | None, interval: Sequence[float] | None, *, low: float, high: float, gate: float | None = None,
           label: str = "") -> Markup:  # fmt: skip
    """One row of a forest plot: estimate, interval, the line of no effect and the gate's bound."""
    if value is None:
        return Markup("")
    width = 220.0

    def x(v: float) -> float:
        return 4 + (min(max(v, low), high) - low) / (high - low) * (width - 8)

    body = f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="24"/>'
    if gate is not None:
        body += f'<g><title>gate {number(gate)}</title><line class="gate-line" x1="{x(gate):.1f}" x2="{x(gate):.1f}" y1="0" y2="24"/></g>'
    if interval:
        body += f'<line class="interval" x1="{x(interval[0]):.1f}" x2="{x(interval[1]):.1f}" y1="12" y2="12"/>'
        for end in interval:
            body += f'<line class="whisker" x1="{x(end):.1f}" x2="{x(end):.1f}" y1="8" y2="16"/>'
    body += f'<rect class="value-dot" x="{x(value) - 4:.1f}" y="8" width="8" height="8" rx="1"/>'
    bounds = f", from {number(interval[0])} to {number(interval[1])}" if interval else ""
    return _svg(width, 24, f"{label} {number(value)}{bounds}", body, css="forest")


def heatmap(columns: Sequence[str], real: Matrix, made: Matrix) -> Markup:
    """Association of all pairs: how strong it is in real data above the diagonal, by how much it changed below it."""
    count = len(columns)
    cell = max(6.0, min(34.0, 400.0 / count))
    left = 8.0 + min(120.0, 6.2 * max(len(c) for c in columns))
    size = cell * count
    body = _cells(columns, real, made, left=left, cell=cell)
    frame = f'<rect class="frame" x="{left - 0.5:.1f}" y="1.5" width="{size:.1f}" height="{size:.1f}"/>'
    diagonal = f'<line class="axis" x1="{left:.1f}" y1="2" x2="{left + size:.1f}" y2="{size + 2:.1f}"/>'
    font = "small" if cell >= 11 else "tiny"
    for i, name in enumerate(columns):
        middle = (i + 0.5) * cell
        shown = shortened(name, 19)
        body += _text(left - 5, middle + 5, shown, css=font, more='text-anchor="end"')
        x = left + middle + 3
        body += _text(x, size + 10, shown, css=font, more=f'text-anchor="end" transform="rotate(-60 {x:.1f} {size + 10:.1f})"')
    below = 14 + min(110.0, 5.6 * max(len(c) for c in columns))
    worst = _largest_change(columns, real, made)
    return _svg(left + size + 4, size + below, f"Association of {count} columns. {worst}", frame + diagonal + body)


def _cells(columns: Sequence[str], real: Matrix, made: Matrix, *, left: float, cell: float) -> str:
    """The matrix's cells: each with its own note where they are few, one path a shade where they are thousands."""
    titled = len(columns) <= 25
    body = ""
    shades: dict[tuple[str, int], str] = {}
    for i in range(len(columns)):
        for j in range(len(columns)):
            r, s = real[i][j], made[i][j]
            if i == j or r is None or s is None:
                continue
            strength, css = (abs(r), "real-cell") if j > i else (min(1.0, abs(r - s) / 0.3), "made-cell")
            if strength < 0.02:
                continue
            x, y, side = left + j * cell, i * cell + 2, cell - 1
            if titled:
                note = f"{escape(columns[i])} × {escape(columns[j])}: real {r:.2f}, synthetic {s:.2f}"
                shape = f'class="{css}" x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" fill-opacity="{strength:.2f}"'
                body += f"<rect {shape}><title>{note}</title></rect>"
            else:
                key = (css, max(1, round(min(1.0, strength) * 12)))
                shades[key] = shades.get(key, "") + f"M{x:.1f} {y:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z"
    return body + "".join(
        f'<path class="{css}" fill-opacity="{level / 12:.2f}" d="{path}"/>' for (css, level), path in sorted(shades.items())
    )


def _largest_change(columns: Sequence[str], real: Matrix, made: Matrix) -> str:
    gaps = [
        (abs(r - s), columns[i], columns[j])
        for i in range(len(columns)) for j in range(i) if (r := real[i][j]) is not None and (s := made[i][j]) is not None
    ]  # fmt: skip
    if not gaps:
        return ""
    gap, a, b = max(gaps)
    return f"The largest change is {gap:.2f}, between {a} and {b}."


def mosaic(rows: Sequence[str], columns: Sequence[str], shares: Matrix, *, css: str, highest: float, label: str) -> Markup:
    """Shares of a pair's cells as shades; one of two side by side."""
    left, bottom = 96.0, 18.0 + 4.4 * min(12, max(len(name) for name in columns))
    cell_x, cell_y = min(22.0, 150.0 / len(columns)), min(17.0, 170.0 / len(rows))
    body = f'<rect class="frame" x="{left - 0.5:g}" y="1.5" width="{cell_x * len(columns):.1f}" height="{cell_y * len(rows):.1f}"/>'
    for i, row in enumerate(shares):
        for j, value in enumerate(row):
            if not value:
                continue
            shade = math.sqrt(value / max(highest, 1e-9))
            body += (
                f'<rect class="{css}" x="{left + j * cell_x:.1f}" y="{2 + i * cell_y:.1f}" width="{cell_x - 1:.1f}" height="{cell_y - 1:.1f}" '
                f'fill-opacity="{shade:.2f}"><title>{escape(rows[i])}, {escape(columns[j])}: {value:.1%}</title></rect>'
            )
    for i, name in enumerate(rows):
        body += _text(left - 5, 2 + (i + 0.5) * cell_y + 3.5, shortened(name, 15), css="small", more='text-anchor="end"')
    foot = 2 + cell_y * len(rows) + 9
    for j, name in enumerate(columns):
        x = left + (j + 0.5) * cell_x + 3
        body += _text(
            x, foot, shortened(name, 12), css="small", more=f'text-anchor="end" transform="rotate(-50 {x:.1f} {foot:.1f})"'
        )
    return _svg(left + cell_x * len(columns) + 4, cell_y * len(rows) + bottom, label, body)


def roc(curves: Mapping[str, Mapping[str, Any]], *, best: str) -> Markup:
    """Attacks' curves on log axes, where a leak of a few records shows: chance is the dashed diagonal."""
    left, top, width, height, least = 44.0, 8.0, 320.0, 230.0, 1e-3

    def x(v: float) -> float:
        return left + width * (1 - math.log10(max(v, least)) / math.log10(least))

    def y(v: float) -> float:
        return top + height * math.log10(max(v, least)) / math.log10(least)

    body = ""
    for mark, label in ((0.001, "0.1%"), (0.01, "1%"), (0.1, "10%"), (1.0, "100%")):
        body += f'<line class="grid" x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{top:g}" y2="{top + height:g}"/>'
        body += f'<line class="grid" x1="{left:g}" x2="{left + width:g}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>'
        body += _text(x(mark), top + height + 14, label, css="small", more='text-anchor="middle"')
        body += _text(left - 6, y(mark) + 3.5, label, css="small", more='text-anchor="end"')
    body += f'<line class="chance" x1="{x(least):.1f}" y1="{y(least):.1f}" x2="{x(1):.1f}" y2="{y(1):.1f}"/>'
    for name in sorted(curves, key=lambda n: n == best):
        curve = curves[name]
        pairs = [(f, t) for f, t in zip(curve["fpr"], curve["tpr"], strict=True) if f >= least or t >= least]
        line = "L".join(f"{x(f):.1f} {y(t):.1f}" for f, t in pairs)
        css = "made-line" if name == best else "other-line"
        body += f'<path class="{css}" d="M{line}"><title>{escape(name)}, AUC {number(curve.get("auc"))}</title></path>'
    body += _text(
        left + width / 2, top + height + 30, "strangers accused (false positives)", css="small", more='text-anchor="middle"'
    )
    middle = top + height / 2
    body += _text(
        10,
        middle,
        "members named (true positives)",
        css="small",
        more=f'text-anchor="middle" transform="rotate(-90 10 {middle:.1f})"',
    )
    return _svg(left + width + 14, top + height + 36, f"Membership attacks on log axes; the best is {best}", body)


def arrows(real: float, made: float, *, low: float, high: float, label: str = "") -> Markup:
    """From the real value to the synthetic one, on a common scale: one row of a dumbbell plot."""
    width = 200.0

    def x(v: float) -> float:
        return 6 + (min(max(v, low), high) - low) / max(high - low, 1e-9) * (width - 12)

    body = f'<line class="track" x1="4" x2="{width - 4:g}" y1="11" y2="11"/>'
    body += f'<line class="interval" x1="{x(real):.1f}" x2="{x(made):.1f}" y1="11" y2="11"/>'
    body += f'<circle class="real-dot" cx="{x(real):.1f}" cy="11" r="4.5"/><circle class="value-dot" cx="{x(made):.1f}" cy="11" r="3.6"/>'
    return _svg(width, 22, f"{label}: real {number(real)}, synthetic {number(made)}", body, css="gauge")
