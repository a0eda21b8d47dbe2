"""`template`: text composed from the row by Jinja2."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from lookalike.generators.base import Generator
from lookalike.generators.templates import TemplateText, compiled
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class TemplateColumn(Generator):
    """Text composed from the row's other columns by a Jinja2 template, in a sandbox.

    Names that do not exist are errors, null is empty text, and a cell that looks like a template is never rendered again.

    ```yaml
    label: {kind: template, template: "{{ surname | upper }}, born {{ born }}"}
    email: {kind: template, template: "{{ person.first_name | lower }}.{{ _id }}@example.org"}
    ```

    Attributes:
        template: Jinja2; a parent's or a struct's field is `{{ patients.sex }}`, the row id is `{{ _id }}`.
    """

    kind: ClassVar[str] = "template"

    template: TemplateText

    def needs(self) -> frozenset[str]:
        """The names in the template."""
        return compiled(self.template).needs

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:  # noqa: ARG002  # nothing random
        """Text [n]."""
        template = compiled(self.template)
        rows = batch.rows(sorted(template.needs))
        ids = batch.ids.tolist()
        return pa.array([template.render({**row, "_id": i}) for i, row in zip(ids, rows, strict=True)], pa.string())
