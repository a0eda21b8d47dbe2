"""Sorting and searching inside kernels, in place and without memory of their own."""

from __future__ import annotations

from typing import Any

from lookalike.kernels.native import part


@part()
def sort(values: Any) -> None:
    """Sort an array in place (Shell 1959, with the gaps of Gonnet and Baeza-Yates 1991): as quick as any on what is nearly sorted."""
    gap = len(values)
    while gap > 1:
        gap = max(1, int(gap / 2.2))
        for i in range(gap, len(values)):
            value, at = values[i], i
            while at >= gap and values[at - gap] > value:
                values[at] = values[at - gap]
                at -= gap
            values[at] = value


@part()
def first_at_least(values: Any, first: int, end: int, wanted: Any) -> int:
    """Where a value is, or would be, in the rising values[first:end]."""
    while first < end:
        middle = (first + end) >> 1
        if values[middle] < wanted:
            first = middle + 1
        else:
            end = middle
    return first


@part()
def first_above(values: Any, first: int, end: int, wanted: Any) -> int:
    """Where the values above one begin in the rising values[first:end]."""
    while first < end:
        middle = (first + end) >> 1
        if values[middle] <= wanted:
            first = middle + 1
        else:
            end = middle
    return first
