"""Validation: how a sentiment classifier breaks as the texts get worse, one condition at a time.

    python examples/validation.py [--test 1000] [--to runs]

A classifier is trained on 3,000 real reviews. Each condition changes the same real test reviews by operators that keep their label,
so whatever is lost is the classifier's. It is measured by the area under the ROC curve, because two reviews of three are of one class
and a classifier that always says so would be right as often. Intervals are 95 %, by bootstrap over the test reviews. No model is asked.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lookalike import api

CONDITIONS = {
    "synonyms": [{"kind": "synonym", "rate": 0.5}],
    "other_grammar": [{"kind": "voice"}, {"kind": "front_clause"}, {"kind": "contract"}, {"kind": "merge_sentences"}],
    "typing_1": [{"kind": "keyboard", "severity": 1}],
    "typing_3": [{"kind": "keyboard", "severity": 3}],
    "typing_5": [{"kind": "keyboard", "severity": 5}],
    "scan_3": [{"kind": "ocr", "severity": 3}],
    "scan_5": [{"kind": "ocr", "severity": 5}],
}


def area(truth: np.ndarray, found: np.ndarray) -> float:
    """Area under the ROC curve, by ranks."""
    ranks = np.empty(len(found))
    ranks[np.argsort(found, kind="stable")] = np.arange(1, len(found) + 1)
    positive = int(truth.sum())
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


def main() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--to", type=Path, default=Path("runs"))
    given = parser.parse_args()
    columns = {name: {"kind": "augment", "text": "review", "operators": ops} for name, ops in CONDITIONS.items()}
    recipe = {
        "lookalike": 1, "name": "validation", "seed": 1,
        "sources": {"reviews": {"kind": "package", "name": "reviews_test", "rows": given.test}},
        "tables": {"texts": {"rows": {"from": "reviews"}, "columns": columns}},
    }  # fmt: skip
    table = api.run(api.load(recipe), to=given.to / "validation").table("texts")
    train = api.read("package:reviews").slice(0, 3000)
    vectors = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    model = LogisticRegression(C=5.0, max_iter=500, class_weight="balanced").fit(
        vectors.fit_transform(train["review"].to_pylist()), train["score"].to_pylist()
    )
    truth = np.array(table["score"].to_pylist()) == model.classes_[1]

    def scores(column: str) -> np.ndarray:
        return model.decision_function(vectors.transform(table[column].to_pylist()))

    clean = scores("review")
    print(
        f"as it is: AUC {area(truth, clean):.3f} on {len(truth)} real reviews, {max(truth.mean(), 1 - truth.mean()):.0%} of one class"
    )
    draws = [np.random.default_rng(seed).integers(len(truth), size=len(truth)) for seed in range(1000)]
    originals = table["review"].to_pylist()
    for name in CONDITIONS:
        now = scores(name)
        low, high = np.quantile([area(truth[i], now[i]) - area(truth[i], clean[i]) for i in draws], [0.025, 0.975])
        changed = np.mean([a != b for a, b in zip(originals, table[name].to_pylist(), strict=True)])
        print(
            f"{name}: AUC {area(truth, now):.3f}, change {area(truth, now) - area(truth, clean):+.3f} "
            f"({low:+.3f} to {high:+.3f}); {changed:.0%} of the texts changed"
        )


if __name__ == "__main__":
    main()
