"""Learned from real data: one method, one file, one paper.

base        the contract: `fit`, `sample`, `save`; scikit-learn's conventions
forest/     the default: columns one after another, drawn from the leaves of trees
methods/    the other methods; `tabular` is the frame around them
private/    methods under (epsilon, delta), and the ledger of what was spent
constraints/, imputation/, pseudonyms/, relational/   what stands around a method, or beside it
anonymise, nested, prose             columns that are made anew, have parts, or are free text
"""

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
