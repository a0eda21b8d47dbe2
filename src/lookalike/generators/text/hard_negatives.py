"""hard_negatives: passages that look like an answer and are none."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.quoting import leaks, quoted
from lookalike.generators.reading import Unfit, read_choice, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, similarity
from lookalike.rows.batch import Row
from lookalike.rows.context import Context


class HardNegatives(TextAsking):
    """Passages on the subject of a query that do not answer it: a list of `n` texts, for retrieval triples.

    Each is written in the manner of the positive passage, and with `verify` a second look must find that it does not answer.

    ```yaml
    negatives: {kind: hard_negatives, query: "{{ question }}", positive: "{{ passage }}", n: 2}
    ```

    Attributes:
        query: a template; what is searched for.
        positive: a template; the passage that answers it.
        n: how many.
        verify: take a second look at each.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Wang et al. 2024, "Improving Text Embeddings with Large Language Models" (2401.00368).
    """

    kind: ClassVar[str] = "hard_negatives"

    query: TemplateText
    positive: TemplateText
    n: int = Field(default=1, ge=1, le=20)
    verify: bool = True

    def templates(self) -> tuple[str, ...]:
        """Query and positive."""
        return (self.query, self.positive)

    def arrow_type(self) -> pa.DataType:
        """A list of texts."""
        return pa.list_(pa.string())

    def calls(self) -> float:
        """One a passage, two with the second look."""
        return float(self.n * (1 + self.verify))

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """Passage by passage; each must differ from the ones before."""
        query, positive = compiled(self.query).render(row), compiled(self.positive).render(row)
        found: list[str] = []
        for number in range(1, self.n + 1):
            question = (
                f"{quoted(positive, label='passage')}\n\n{quoted(query, label='query')}\n\nThe passage answers the query. Write another passage ({number}) "
                "of the same length and style, on the same subject and with some of the same words, that does NOT answer the query. "
                "Give only the passage."
            )

            def read(reply: str) -> str:
                text = read_text(reply)
                if leaks(text, positive) or any(similarity(text, other) > 0.9 for other in (positive, *found)):
                    raise Unfit("it is a passage that is there already; write another")
                return text

            def verify(text: str) -> Any:
                check = f"{quoted(text, label='passage')}\n\n{quoted(query, label='query')}\n\nDoes the passage answer the query? Answer yes or no."
                request = self.request(row, check, choices=("yes", "no"), temperature=0.0)
                answer = yield from ask(request, read=read_choice(("yes", "no")), tries=self.tries)
                return ["it answers the query; leave the answer out"] if answer.value == "yes" else ()

            request = self.request(row, question)
            answer = yield from ask(request, read=read, verify=verify if self.verify else None, tries=self.tries)
            found.append(answer.value)
        return found
