"""synthesizers."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "forest": "lookalike.synthesizers.forest.model:Forest",
    "constrained": "lookalike.synthesizers.constrained:Constrained",
    "smote": "lookalike.synthesizers.smote:Smote",
    "bayes_net": "lookalike.synthesizers.bayes_net:BayesNet",
    "arf": "lookalike.synthesizers.arf:Arf",
    "cart": "lookalike.synthesizers.cart:Cart",
    "copula": "lookalike.synthesizers.copula:Copula",
    "independent": "lookalike.synthesizers.independent:Independent",
}
