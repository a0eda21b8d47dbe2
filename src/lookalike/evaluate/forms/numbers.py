"""Numbers as reports write them."""

from __future__ import annotations

from lookalike.evaluate.base import Result


def number(value: float | None) -> str:
    """Three significant digits behind the point at most; "not measured" for none."""
    if value is None:
        return "not measured"
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000 or value == int(value)
        else f"{value:.3f}"
        if abs(value) >= 0.01
        else f"{value:.2g}"
    )


def with_interval(result: Result) -> str:
    """The value, with its bounds when it has them."""
    if result.value is None or result.interval is None:
        return number(result.value)
    return f"{number(result.value)} ({number(result.interval[0])} to {number(result.interval[1])})"


def reference(value: float | None) -> str:
    """A ceiling or floor; empty when there is none."""
    return "" if value is None else number(value)
