"""Is it good, is it safe: everything that is measured about a synthetic dataset.

Read in this order:

    base        Result and Metric: the one shape of everything measured
    encode      columns as numbers, codes and bins
    views       one table's three sides, shared and lazy
    dataset     tables, relations, entities, the whole: the subjects of metrics
    validity, rules, fidelity/, utility/, fairness, relations     one family of metrics a file
    privacy/    attacks, replay, bounds         text/  variety, leftovers, copying
    measuring   the one loop over metrics and subjects
    gates       bounds that decide the exit code
    evidence    results, verdicts, findings: what one evaluation found
    forms/      JSON, HTML, terminal, Markdown, JUnit: each a function of the evidence
    report      the evidence with all its forms: what users hold
    evaluate    the function that does it all

The package can be called: `lookalike.evaluate(real, synthetic, holdout=...)` is `evaluate.evaluate.evaluate`. Python binds a package's
name in its parent as soon as anything in it is imported, so a function of the same name would be there at one time and not at another.
"""

from __future__ import annotations

KINDS: dict[str, str] = {
    "validity": "lookalike.evaluate.validity:Validity",
    "broken_rules": "lookalike.evaluate.rules:BrokenRules",
    "unique_keys": "lookalike.evaluate.keys:UniqueKeys",
    "failed_share": "lookalike.evaluate.making:FailedShare",
    "scores": "lookalike.evaluate.making:Scores",
    "marginals": "lookalike.evaluate.fidelity.marginals:Marginals",
    "dependence": "lookalike.evaluate.fidelity.dependence:Dependence",
    "pairs": "lookalike.evaluate.fidelity.kway:Pairs",
    "triples": "lookalike.evaluate.fidelity.kway:Triples",
    "subgroups": "lookalike.evaluate.fidelity.subgroups:Subgroups",
    "functional_dependencies": "lookalike.evaluate.fidelity.functional_dependencies:FunctionalDependencies",
    "tails": "lookalike.evaluate.fidelity.tails:Tails",
    "c2st": "lookalike.evaluate.fidelity.c2st:C2st",
    "tstr": "lookalike.evaluate.utility.tstr:Tstr",
    "augmentation_lift": "lookalike.evaluate.utility.augmentation_lift:AugmentationLift",
    "representation": "lookalike.evaluate.fairness:Representation",
    "label_rates": "lookalike.evaluate.fairness:LabelRates",
    "fairness_gap": "lookalike.evaluate.fairness:FairnessGap",
    "coverage": "lookalike.evaluate.fidelity.coverage:Coverage",
    "referential_integrity": "lookalike.evaluate.relations:ReferentialIntegrity",
    "child_counts": "lookalike.evaluate.relations:ChildCounts",
    "parent_child_dependence": "lookalike.evaluate.relations:ParentChildDependence",
    "joined_c2st": "lookalike.evaluate.families:JoinedC2st",
    "family_c2st": "lookalike.evaluate.families:FamilyC2st",
    "sibling_likeness": "lookalike.evaluate.families:SiblingLikeness",
    "column_shapes": "lookalike.evaluate.fidelity.column_shapes:ColumnShapes",
    "column_pair_trends": "lookalike.evaluate.fidelity.column_shapes:ColumnPairTrends",
    "identical_share": "lookalike.evaluate.privacy.metrics:IdenticalShare",
    "identical_excess": "lookalike.evaluate.privacy.metrics:IdenticalExcess",
    "rare_combination_replay": "lookalike.evaluate.privacy.metrics:RareCombinationReplay",
    "singling_out": "lookalike.evaluate.privacy.metrics:SinglingOut",
    "linkability": "lookalike.evaluate.privacy.metrics:Linkability",
    "attribute_inference": "lookalike.evaluate.privacy.metrics:AttributeInference",
    "membership_auc": "lookalike.evaluate.privacy.metrics:MembershipAuc",
    "membership_tpr_at_fpr": "lookalike.evaluate.privacy.metrics:MembershipTprAtFpr",
    "dcr": "lookalike.evaluate.privacy.metrics:Dcr",
    "nndr": "lookalike.evaluate.privacy.metrics:Nndr",
    "alarm": "lookalike.evaluate.privacy.proof:Alarm",
    "epsilon_lower_bound": "lookalike.evaluate.privacy.proof:CanaryAudit",
    "pii_count": "lookalike.evaluate.privacy.identity:PiiCount",
    "identifier_replay": "lookalike.evaluate.privacy.identity:IdentifierReplay",
    "named_entities": "lookalike.evaluate.privacy.entities:NamedEntities",
    "exact_duplicates": "lookalike.evaluate.text.variety:ExactDuplicates",
    "near_duplicates": "lookalike.evaluate.text.variety:NearDuplicates",
    "semantic_duplicates": "lookalike.evaluate.text.variety:SemanticDuplicates",
    "distinct_n": "lookalike.evaluate.text.variety:DistinctN",
    "compression_ratio": "lookalike.evaluate.text.variety:CompressionRatio",
    "vendi_score": "lookalike.evaluate.text.variety:VendiScore",
    "cluster_coverage": "lookalike.evaluate.text.variety:ClusterCoverage",
    "text_shape": "lookalike.evaluate.text.register:TextShape",
    "language_share": "lookalike.evaluate.text.register:LanguageShare",
    "refusals": "lookalike.evaluate.text.register:Refusals",
    "prompt_leak": "lookalike.evaluate.text.copying:PromptLeak",
    "contamination": "lookalike.evaluate.text.copying:Contamination",
    "verbatim_overlap": "lookalike.evaluate.text.copying:VerbatimOverlap",
}

# Which dimensions the metrics of a folder are of, so that `only="fidelity"` does not import the attacks (and numba with them).
FOLDERS: dict[str, frozenset[str]] = {
    "privacy": frozenset({"privacy"}),
    "text": frozenset({"diversity", "privacy"}),
    "utility": frozenset({"utility"}),
}
