"""text_labels: labels that a classifier trained on real texts does not believe."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.text.columns import column as column_of
from lookalike.generators.text.columns import head, label_name, texts
from lookalike.optional import require
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context, TableKey
from lookalike.steps.base import Kept, Step


class TextLabels(Step):
    """Drop rows whose label a classifier, trained on a labelled source, gives less than `least` probability.

    The classifier is logistic regression on tf-idf of words and word pairs. A label that the source does not have cannot be
    judged and stays.

    ```yaml
    steps: [{kind: text_labels, text: review, label: sentiment, source: reviews, from_text: body, from_label: mood}]
    ```

    Attributes:
        text: a text column.
        label: a column of labels.
        source: the source's name.
        from_text: the source's text column; empty: the same name as `text`.
        from_label: the source's label column; empty: the same name.
        least: least probability of the label.
    """

    kind: ClassVar[str] = "text_labels"

    text: str
    label: str
    source: str
    from_text: str = ""
    from_label: str = ""
    least: float = Field(default=0.2, ge=0, le=1)

    def needs(self) -> frozenset[str]:
        """Text and label."""
        return frozenset({head(self.text), head(self.label)})

    def sources(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source})

    def apply(self, batch: Batch, ctx: Context) -> Kept:
        """Rows whose label the classifier finds possible."""
        model, places = _trained(
            TableKey(ctx.tables.source(self.source)), self.source, self.from_text or self.text, self.from_label or self.label
        )
        probabilities = (
            model.predict_proba([text or "" for text in texts(batch, self.text)]) if len(batch) else np.empty((0, len(places)))
        )
        labels = column_of(batch, self.label).to_pylist()
        own = np.array(
            [
                probabilities[i, places[label_name(value)]] if label_name(value) in places else 1.0
                for i, value in enumerate(labels)
            ]
        )
        keep = own >= self.least
        reasons = tuple(
            f"label {label!r} has probability {p:.2f}" for label, p, k in zip(labels, own, keep, strict=True) if not k
        )
        return Kept(batch.take(keep), batch.ids[~keep], reasons)


@lru_cache(maxsize=2)
def _trained(key: TableKey, source: str, text: str, label: str) -> tuple[Any, dict[str, int]]:
    for name in (text, label):
        if name not in key.table.column_names:
            raise SourceError(
                what=f"source {source!r} has no column {name!r}",
                fix=did_you_mean(name, key.table.column_names, label="columns"),
            )
    pairs = [
        (t, label_name(y))
        for t, y in zip(key.table[text].to_pylist(), key.table[label].to_pylist(), strict=True)
        if t and y is not None
    ]
    if len({label for _, label in pairs}) < 2:
        raise SourceError(
            what=f"source {source!r} has fewer than two labels in {label!r}", fix="give labelled texts of every class"
        )
    features = require("sklearn.feature_extraction.text", extra="text").TfidfVectorizer(
        ngram_range=(1, 2), max_features=50_000, sublinear_tf=True
    )
    regression = require("sklearn.linear_model", extra="text").LogisticRegression(C=5.0, max_iter=300, class_weight="balanced")
    model = require("sklearn.pipeline", extra="text").make_pipeline(features, regression)
    model.fit([t for t, _ in pairs], [y for _, y in pairs])
    return model, {name: place for place, name in enumerate(model.classes_.tolist())}
