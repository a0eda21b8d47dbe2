"""Exact nearest neighbours under Gower's distance, in tiles: memory never grows with n x m.

Gower 1971, "A general coefficient of similarity": the mean over columns of min(|a - b|, 1), see `space`. Distances here are
sums, not means, so that columns can be taken out again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lookalike.errors import MetricError
from lookalike.evaluate.privacy.space import Gower
from lookalike.kernels.native import kernel, part

Distances = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
TILE = 512  # points whose distances are alive at a time


@part(fastmath=True)
def _tile_distances(query: Gower, points: Gower, start: int, stop: int, out: Distances) -> np.float32:
    """Distances of one query to the points of a tile, and the smallest of them."""
    one = np.float32(1.0)
    width, columns = stop - start, query.size
    for j in range(width):
        out[j] = np.float32(0.0)
    c = 0
    while c + 4 <= columns:  # four columns a pass: the sums stay in registers, six times as fast as column by column
        a0, a1, a2, a3 = query[c], query[c + 1], query[c + 2], query[c + 3]
        b0, b1, b2, b3 = points[c, start:stop], points[c + 1, start:stop], points[c + 2, start:stop], points[c + 3, start:stop]
        for j in range(width):
            out[j] += (
                min(abs(a0 - b0[j]), one) + min(abs(a1 - b1[j]), one) + min(abs(a2 - b2[j]), one) + min(abs(a3 - b3[j]), one)
            )
        c += 4
    while c < columns:
        a0, b0 = query[c], points[c, start:stop]
        for j in range(width):
            out[j] += min(abs(a0 - b0[j]), one)
        c += 1
    low = out[0]
    for j in range(width):
        low = min(low, out[j])
    return low


@kernel("f4:2 f4:2 i8 f4:2 i8:2 f4:1")
def _nearest(queries: Gower, points: Gower, k: int, distance: Distances, index: Rows, tile: Distances) -> None:
    m = points.shape[1]
    for i in range(queries.shape[0]):
        best = distance[i]
        where = index[i]
        for start in range(0, m, TILE):
            stop = min(start + TILE, m)
            bound = best[k - 1]
            if _tile_distances(queries[i], points, start, stop, tile) >= bound:
                continue
            for j in range(stop - start):
                if tile[j] < bound:
                    p = k - 1
                    while p > 0 and best[p - 1] > tile[j]:
                        best[p] = best[p - 1]
                        where[p] = where[p - 1]
                        p -= 1
                    best[p] = tile[j]
                    where[p] = start + j
                    bound = best[k - 1]


@kernel("f4:2 f4:2 f4:2 i8:2 f4:1")
def _nearest_without(queries: Gower, points: Gower, distance: Distances, index: Rows, tile: Distances) -> None:
    d, m = points.shape
    for i in range(queries.shape[0]):
        for start in range(0, m, TILE):
            stop = min(start + TILE, m)
            low = _tile_distances(queries[i], points, start, stop, tile)
            worst = np.float32(0.0)
            for c in range(d):
                worst = max(worst, distance[i, c])
            if low - np.float32(1.0) >= worst:
                continue
            for j in range(stop - start):
                if tile[j] - np.float32(1.0) >= worst:
                    continue  # leaving one column out can save at most 1
                for c in range(d):
                    left = tile[j] - min(abs(queries[i, c] - points[c, start + j]), np.float32(1.0))
                    if left < distance[i, c] - np.float32(1e-6):
                        distance[i, c] = left
                        index[i, c] = start + j


@kernel("f4:2 f4:2 f4:1 i8:1 b1:1 f4:1")
def _within(
    queries: Gower, points: Gower, radius: Distances, hits: Rows, reached: npt.NDArray[np.bool_], tile: Distances
) -> None:
    for i in range(queries.shape[0]):
        for start in range(0, points.shape[1], TILE):
            stop = min(start + TILE, points.shape[1])
            _tile_distances(queries[i], points, start, stop, tile)
            for j in range(stop - start):
                if tile[j] <= radius[start + j]:
                    hits[i] += 1
                    reached[start + j] = True


def within(queries: Gower, points: Gower, radius: Distances) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """How many points each query lies within the radius of, and which points any query does.

    Args:
        queries: float32 [d, n].
        points: float32 [d, m], the same columns.
        radius: of each point [m], as a sum over columns.
    """
    _check(queries, points)
    hits, reached = np.zeros(queries.shape[1], dtype=np.int64), np.zeros(points.shape[1], dtype=np.bool_)
    reach = np.ascontiguousarray(radius, dtype=np.float32)
    _within(np.ascontiguousarray(queries.T), np.ascontiguousarray(points), reach, hits, reached, _tile())
    return hits, reached


def nearest(queries: Gower, points: Gower, *, k: int = 1) -> tuple[Distances, Rows]:
    """The k nearest points of each query, nearest first; ties go to the lower row.

    Args:
        queries: float32 [d, n].
        points: float32 [d, m], the same columns.
        k: how many, at most m are found.

    Returns:
        Summed distances float32 [n, k] and rows int64 [n, k].

    Raises:
        MetricError: widths differ, or there is no point.
    """
    _check(queries, points)
    k = min(k, points.shape[1])
    distance = np.full((queries.shape[1], k), np.inf, dtype=np.float32)
    index = np.zeros((queries.shape[1], k), dtype=np.int64)
    _nearest(np.ascontiguousarray(queries.T), np.ascontiguousarray(points), k, distance, index, _tile())
    return distance, index


def nearest_without(queries: Gower, points: Gower) -> Rows:
    """For each query and each column: the nearest point when that column is not known; int64 [n, d].

    All d searches share one pass over the distances, so guessing every column costs little more than guessing one.
    """
    _check(queries, points)
    distance = np.full((queries.shape[1], queries.shape[0]), np.inf, dtype=np.float32)
    index = np.zeros((queries.shape[1], queries.shape[0]), dtype=np.int64)
    _nearest_without(np.ascontiguousarray(queries.T), np.ascontiguousarray(points), distance, index, _tile())
    return index


def _tile() -> Distances:
    return np.empty(TILE, dtype=np.float32)


def _check(queries: Gower, points: Gower) -> None:
    if queries.shape[0] != points.shape[0]:
        raise MetricError(
            what=f"queries have {queries.shape[0]} columns and points {points.shape[0]}", fix="encode both together"
        )
    if not points.shape[1]:
        raise MetricError(what="there is no row to be near to", fix="give a table with rows")
