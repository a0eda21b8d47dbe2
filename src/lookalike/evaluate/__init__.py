"""Is it good, is it safe: everything that is measured about a synthetic dataset.

Read in this order:

    base        Result and Metric: the one shape of everything measured
    encode      columns as numbers, codes and bins
    views       all of them, shared and lazy
    validity, marginals, dependence, kway, ... one family of metrics a file
    privacy/    attacks, replay, bounds         text/  variety, leftovers, copying
    gates       bounds that decide the exit code
    report      results, verdicts, findings; rendering, terminal, html/ show it
    evaluate    the function that does it all
"""

from __future__ import annotations

KINDS: dict[str, str] = {
    "validity": "lookalike.evaluate.validity:Validity",
    "column_shapes": "lookalike.evaluate.column_shapes:ColumnShapes",
    "column_pair_trends": "lookalike.evaluate.column_shapes:ColumnPairTrends",
}
