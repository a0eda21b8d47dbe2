"""synthesizers."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "fair": "lookalike.synthesizers.methods.fair:Fair",
    "auto": "lookalike.synthesizers.methods.auto:Auto",
    "diffusion": "lookalike.synthesizers.methods.diffusion:Diffusion",
    "tvae": "lookalike.synthesizers.methods.tvae:Tvae",
    "ctgan": "lookalike.synthesizers.methods.ctgan:Ctgan",
    "autoregressive": "lookalike.synthesizers.methods.autoregressive:Autoregressive",
    "aim": "lookalike.synthesizers.private.aim:Aim",
    "mst": "lookalike.synthesizers.private.mst:Mst",
    "forest": "lookalike.synthesizers.forest.model:Forest",
    "constrained": "lookalike.synthesizers.constraints.constrained:Constrained",
    "adasyn": "lookalike.synthesizers.methods.adasyn:Adasyn",
    "smote": "lookalike.synthesizers.methods.smote:Smote",
    "bayes_net": "lookalike.synthesizers.methods.bayes_net:BayesNet",
    "arf": "lookalike.synthesizers.methods.arf:Arf",
    "cart": "lookalike.synthesizers.methods.cart:Cart",
    "copula": "lookalike.synthesizers.methods.copula:Copula",
    "independent": "lookalike.synthesizers.methods.independent:Independent",
}
