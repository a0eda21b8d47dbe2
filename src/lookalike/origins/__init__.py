"""Where a table's rows come from: one way, one file. `rows:` names it by its key, and the key is the kind.

A new way to get rows is a class here (or in a plugin, group `lookalike.origins`) and nothing anywhere else: recipes, checks,
plans, runs and reports ask the origin what it reads, which columns it brings along, what must be learned first, and open it
for candidate rows by their ids. `base.py` is the contract.
"""

from __future__ import annotations

KINDS: dict[str, str] = {
    "n": "lookalike.origins.count:Count",
    "like": "lookalike.origins.learned:Like",
    "from": "lookalike.origins.real:From",
    "per": "lookalike.origins.children:Per",
    "grid": "lookalike.origins.design:Grid",
}
