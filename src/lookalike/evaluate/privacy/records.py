"""Whole records of the compared tables: their columns, exact codes and hashes, and how many of them two real tables share.

Light on purpose: a report that attacks nothing still says when its holdout is none, and must not import compilers for it.
"""

from __future__ import annotations

import numpy as np

from lookalike.errors import MetricError
from lookalike.evaluate.privacy.bounds import binomial_tail
from lookalike.evaluate.privacy.replay import counts_in
from lookalike.evaluate.privacy.space import Codes, Hashes, column_codes, row_hashes
from lookalike.evaluate.views import Views, Which

OVERLAP = 0.01  # share of the holdout that may be in the training data, beyond chance, before it is no holdout


def names(views: Views) -> list[str]:
    """Columns that make a record: numbers, times and categories; ids and texts need not be repeated by a copy.

    Where there are none of these, texts; and where there are no texts either, everything.
    """
    chosen = [column.name for column in views.compared] or [column.name for column in views.of_form("text")]
    return chosen or [column.name for column in views.columns]


def codes(views: Views) -> dict[str, Codes]:
    """Record columns of each table as exact codes, int64 [d, n]."""

    def make() -> dict[str, Codes]:
        if not names(views):
            raise MetricError(what="no column can be compared", fix="see which cells are of a type that can")
        which: list[Which] = ["real", "synthetic", *(["holdout"] if "holdout" in views else [])]  # type: ignore[list-item]
        columns = [column_codes([views.table(w)[name] for w in which]) for name in names(views)]
        return {w: np.stack([column[i] for column in columns]) for i, w in enumerate(which)}

    return views.once("privacy codes", make)


def hashes(views: Views) -> dict[str, Hashes]:
    """One hash a record of each table."""
    return views.once("privacy hashes", lambda: {which: row_hashes(matrix) for which, matrix in codes(views).items()})


def overlap(views: Views) -> float:
    """Share of holdout rows that are training rows, beyond what rows of this table repeat each other by chance.

    Chance is the share of training rows that have an equal among the other training rows.
    """

    def make() -> float:
        if not names(views):
            return 0.0
        found = hashes(views)
        train, holdout = found["real"], found["holdout"]
        chance = float((counts_in(train, train) > 1).mean())
        hits = int((counts_in(holdout, train) > 0).sum())
        beyond = hits / holdout.size - chance
        sure = binomial_tail(hits, holdout.size, min(1.0, max(chance, 1e-9) * 1.1)) < 1e-6
        return beyond if sure and beyond > 0 else 0.0

    return views.once("privacy overlap", make)
