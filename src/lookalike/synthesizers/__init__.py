"""synthesizers."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "cart": "lookalike.synthesizers.cart:Cart",
    "copula": "lookalike.synthesizers.copula:Copula",
    "independent": "lookalike.synthesizers.independent:Independent",
}
