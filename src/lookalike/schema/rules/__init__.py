"""Rules between the columns of a table: found once, shown, kept and measured by the same words.

    orders         start <= end                               dependencies   each zip has one city
    sums           total = net + tax                          gaps           height, weight are missing together
    implications   where tenure = 1, total = monthly

`find` is the only finder: starter recipes propose what it finds, the forest keeps it, constraints hold it for any method, and the
metric `broken_rules` counts who breaks it.
"""

from __future__ import annotations

from lookalike.schema.rules.base import FoundRule, RuleCells
from lookalike.schema.rules.finding import Rules, find, with_rules

__all__ = ["FoundRule", "RuleCells", "Rules", "find", "with_rules"]
