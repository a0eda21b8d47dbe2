"""Scarcity: sixty labelled reviews, and what more texts are worth on a thousand real ones.

    python examples/scarcity.py [--real 60] [--variants 4] [--written 24] [--to runs]

Three training sets are compared by the area under the ROC curve of the same classifier on the same real test reviews: the real
ones alone, with variants that no model made (`augment`), and with reviews that the model `default` wrote for drawn attributes.
The lift stands with its 95 % interval from 1,000 bootstrap draws of the test reviews; it does not cover which sixty reviews one
happened to have. A lift of zero is a result.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lookalike import api

AUGMENT = """
lookalike: 1
name: scarcity-variants
seed: 1
parameters: {real: 60, variants: 4}
sources:
  reviews: {kind: package, name: reviews, rows: $(real)}
tables:
  real:
    rows: {from: reviews}
  variants:
    rows: {per: real, count: $(variants)}
    columns:
      score: {kind: expression, sql: "real.score"}
      review:
        kind: augment
        text: real.review
        operators: [{kind: synonym, rate: 0.3}, {kind: delete_words, rate: 0.05}, {kind: front_clause}, {kind: keyboard, severity: 1}]
"""

WRITE = """
lookalike: 1
name: scarcity-written
seed: 1
parameters: {real: 60, written: 24}
sources:
  reviews: {kind: package, name: reviews, rows: $(real)}
tables:
  written:
    rows: $(written)
    replace_failed: true
    columns:
      score: {kind: category, values: [great, other]}
      product: {kind: category, values: [coffee, tea, dog food, crisps, chocolate, olive oil, cereal, baby food, noodles, hot sauce]}
      aspect: {kind: category, values: [the taste, the price, the packaging, the freshness, the delivery, the size]}
      review:
        kind: prompt
        system: You write short, plain customer reviews. Give only the review.
        prompt: |
          Product: {{ product }}
          Opinion: {{ 'very good, would buy it again' if score == 'great' else 'disappointed, would not buy it again' }}
          Mostly about: {{ aspect }}
          Length: two sentences
          Review:
        examples: # in the form of the question, because small models copy the form; the first two sentences of real reviews
          source: reviews
          input: "Product: food\nOpinion: {{ 'very good, would buy it again' if score == 'great' else 'disappointed, would not buy it again' }}\nMostly about: everything\nLength: two sentences\nReview:"
          output: "{{ (review | replace('<br />', ' ')).split('. ')[:2] | join('. ') | truncate(240, False, '.') }}"
          n: 2
          match: [score]
        checks:
          - {must_mention: "{{ product.split()[-1] }}"}
          - {sentences: {min: 1, max: 3}}
          - {sentiment: "{{ 'positive' if score == 'great' else 'negative' }}"}
          - {must_not: [two sentences, "Opinion:", "Product:", mostly about]}
        temperature: 0.9
        max_tokens: 80
    steps:
      - {kind: text_rules, text: review, words: [5, 120]}
      - {kind: text_overlap, text: review, source: reviews, column: review, words: 10}
"""


def scores(texts: list[str], labels: list[str], test: list[str]) -> np.ndarray:
    """Scores of the test texts by a classifier trained on these."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    model = LogisticRegression(C=5.0, max_iter=500, class_weight="balanced").fit(vectors.fit_transform(texts), labels)
    return model.predict_proba(vectors.transform(test))[:, 0]


def area(truth: np.ndarray, found: np.ndarray) -> float:
    """Area under the ROC curve, by ranks."""
    ranks = np.empty(len(found))
    ranks[np.argsort(found)] = np.arange(1, len(found) + 1)
    positive = int(truth.sum())
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", default="60")
    parser.add_argument("--variants", default="4")
    parser.add_argument("--written", default="24")
    parser.add_argument("--to", type=Path, default=Path("runs"))
    given = parser.parse_args()

    variants = api.run(
        api.load(AUGMENT, set={"real": given.real, "variants": given.variants}), to=given.to / "scarcity-variants"
    )
    written = api.run(api.load(WRITE, set={"real": given.real, "written": given.written}), to=given.to / "scarcity-written")
    sets = {
        "real": variants.table("real"),
        "+ variants": variants.table("variants"),
        "+ written": written.table("written"),
    }
    test = api.read("package:reviews_test")
    truth = np.array([label == "great" for label in test["score"].to_pylist()])
    real = sets.pop("real")
    texts, labels = real["review"].to_pylist(), real["score"].to_pylist()
    base = scores(texts, labels, test["review"].to_pylist())
    draws = [np.random.default_rng(seed).integers(len(truth), size=len(truth)) for seed in range(1000)]
    print(f"real alone: {len(texts)} reviews, AUC {area(truth, base):.3f} on {len(truth)} real test reviews")
    for name, table in sets.items():
        more = scores(texts + table["review"].to_pylist(), labels + table["score"].to_pylist(), test["review"].to_pylist())
        lifts = [area(truth[i], more[i]) - area(truth[i], base[i]) for i in draws]
        low, high = np.quantile(lifts, [0.025, 0.975])
        lift = area(truth, more) - area(truth, base)
        verdict = "helps" if low > 0 else "hurts" if high < 0 else "no difference that these test reviews can show"
        print(f"{name}: {table.num_rows} more, lift {lift:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}: {verdict}")


if __name__ == "__main__":
    main()
