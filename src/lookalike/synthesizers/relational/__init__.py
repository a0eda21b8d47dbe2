"""Several related tables learned together.

Read in this order:

    graph       which parent a table's rows are made for, which are matched, which are filled at the end
    families    what a parent's row says of its children: how many, and what they are like
    sequence    how siblings stand in order
    matching    choosing rows of the other parents
    across      rules between tables: totals, copies, dates in order
    learn       children first: what they are like is a part of their parents' rows
    make        parents first: a table's rows when its parents are there
    store       the model as a folder
    model       Relational: fit and sample
"""

from __future__ import annotations

KINDS: dict[str, str] = {"relational": "lookalike.synthesizers.relational.model:Relational"}
