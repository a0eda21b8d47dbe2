"""synthesizers."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "fair": "lookalike.synthesizers.fair:Fair",
    "auto": "lookalike.synthesizers.auto:Auto",
    "diffusion": "lookalike.synthesizers.diffusion:Diffusion",
    "tvae": "lookalike.synthesizers.tvae:Tvae",
    "ctgan": "lookalike.synthesizers.ctgan:Ctgan",
    "autoregressive": "lookalike.synthesizers.autoregressive:Autoregressive",
    "aim": "lookalike.synthesizers.aim:Aim",
    "mst": "lookalike.synthesizers.mst:Mst",
    "forest": "lookalike.synthesizers.forest.model:Forest",
    "constrained": "lookalike.synthesizers.constrained:Constrained",
    "adasyn": "lookalike.synthesizers.adasyn:Adasyn",
    "smote": "lookalike.synthesizers.smote:Smote",
    "bayes_net": "lookalike.synthesizers.bayes_net:BayesNet",
    "arf": "lookalike.synthesizers.arf:Arf",
    "cart": "lookalike.synthesizers.cart:Cart",
    "copula": "lookalike.synthesizers.copula:Copula",
    "independent": "lookalike.synthesizers.independent:Independent",
}
