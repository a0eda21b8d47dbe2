"""Questions in SQuAD's form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby
from typing import Any, BinaryIO, ClassVar

import orjson

from lookalike.export.training import Row, TrainingExporter, UnfitError, at, text_at


class Squad(TrainingExporter):
    """SQuAD 2.0: paragraphs with their questions, answers by text and offset, unanswerable ones marked.

    Every offset is checked against its paragraph. Splits go by the parent row or the document unless `by` says otherwise. Scorers
    look answers up by `id`, so no two questions share one.

    Attributes:
        document: a template; the document.
        qa: {question, answer, start, end, answerable}.
    """

    kind: ClassVar[str] = "squad"
    suffix: ClassVar[str] = ".json"

    document: str = "document"
    qa: str = "qa"

    def lines(self, row: Row) -> list[Any]:
        """One question a row, with its paragraph."""
        context, qa = text_at(row, self.document), at(row, self.qa)
        if not qa or not qa["question"]:
            raise UnfitError(f"{self.qa} is empty")
        answers = []
        if qa["answerable"]:
            if qa["start"] is None:
                raise UnfitError("the answer has no span; SQuAD takes extractive answers only")
            if context[qa["start"] : qa["end"]] != qa["answer"]:
                raise UnfitError("the answer is not where its offsets say")
            answers = [{"text": qa["answer"], "answer_start": qa["start"]}]
        name = blake2b(f"{context}\x1f{qa['question']}".encode(), digest_size=12).hexdigest()
        return [(context, {"id": name, "question": qa["question"], "answers": answers, "is_impossible": not qa["answerable"]})]

    def group_of(self, row: Row, by: str) -> Any:
        """The document, where there is neither a parent nor a `by`."""
        return at(row, by or self.document)

    def write(self, items: Iterator[Any], file: BinaryIO) -> None:
        """One JSON document, written paragraph by paragraph."""
        file.write(b'{"version":"v2.0","data":[')
        known: Counter[str] = Counter()
        for number, (context, group) in enumerate(groupby(items, key=lambda item: item[0])):
            questions = [qa for _, qa in group]
            for qa in questions:
                known[name := qa["id"]] += 1
                qa["id"] += f"-{known[name]}" if known[name] > 1 else ""
            paragraph = {"context": context, "qas": questions}
            file.write((b"," if number else b"") + orjson.dumps({"title": f"document {number}", "paragraphs": [paragraph]}))
        file.write(b"]}")
