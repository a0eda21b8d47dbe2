"""Names and sentences as the page writes them."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup

from lookalike.errors import UnknownKind
from lookalike.registry import resolve

TITLES = {
    "c2st": "C2ST", "dcr": "DCR share", "nndr": "NNDR", "tstr": "TSTR", "pmse": "pMSE", "pii_count": "Personal data in text",
    "membership_auc": "Membership, AUC", "membership_tpr_at_fpr": "Membership at 1% false positives",
    "membership_tpr_at_fpr.at_0_1pct": "Membership at 0.1% false positives",
    "membership_tpr_at_fpr.isolated": "Membership of the most isolated 1%", "membership_auc.isolated": "Membership AUC, most isolated 1%",
    "alarm": "Smallest leak that would be seen", "identical_share": "Identical rows", "identical_excess": "Identical rows beyond chance",
    "rare_combination_replay": "Rare combinations replayed", "identifier_replay": "Identifiers replayed",
    "epsilon_lower_bound": "Epsilon, lower bound", "pii_count.written": "Personal data that a model wrote", "pii_count.secret": "Keys and passwords in text",
    "pii_count.replayed": "Personal data in text, the source's own", "identifier_replay.excess": "Identifiers replayed beyond chance",
    "failed_share": "Rows that failed",
}  # fmt: skip


def name_of(name: str) -> str:
    """A result's name as a person would write it."""
    if name in TITLES:
        return TITLES[name]
    head, _, tail = name.partition(".")
    first = TITLES.get(head, head.replace("_", " ").capitalize())
    return f"{first}, {tail.replace('_', ' ')}" if tail else first


@cache
def meaning(kind: str) -> str:
    """The first sentence of a metric's documentation."""
    try:
        text = (resolve("metric", kind).__doc__ or "").strip()
    except UnknownKind:
        return ""
    return " ".join(text.split("\n\n")[0].split())


def breakable(name: str) -> Markup:
    """A column's name that may be broken after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def count_of(n: int, what: str) -> str:
    """So many of something, in words."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
