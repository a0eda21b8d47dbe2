"""`company`: firms by locale."""

from __future__ import annotations

from typing import ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.pools import Locale, check_fields, digits, folded, phone_shapes, places, pool, struct_of
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

FIELDS = ("name", "domain", "email", "phone", "catch_phrase")


class Company(Generator):
    """A firm of a locale; the cell is a struct whose domain and e-mail fit its name. Domains are under `.example`: nobody owns them.

    ```yaml
    employer: {kind: company, locale: de_DE}
    supplier: {kind: company, fields: name}
    ```

    Attributes:
        locale: as en_US, de_DE, ja_JP.
        fields: which of name, domain, email, phone, catch_phrase; one name alone gives a plain column.
    """

    kind: ClassVar[str] = "company"

    locale: Locale = "en_US"
    fields: str | tuple[str, ...] = ("name", "domain", "email", "phone")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_fields(self.fields, FIELDS)
        return self

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """A struct, or one field."""
        wanted = {self.fields} if isinstance(self.fields, str) else set(self.fields)
        index = places(batch, ctx, 0)
        columns = {"name": pool(self.locale, "company").take(index)}
        if wanted & {"domain", "email"}:
            columns["domain"] = pc.binary_join_element_wise(folded(self.locale, "company").take(index), "example", ".")
            box = pa.array(["info", "contact", "office", "sales", "hello"]).take(places(batch, ctx, 1, 5))
            columns["email"] = pc.binary_join_element_wise(box, columns["domain"], "@")
        if "phone" in wanted:
            shapes = phone_shapes(self.locale).take(places(batch, ctx, 2))
            columns["phone"] = pc.binary_join_element_wise(shapes, digits(batch, ctx, 3, 4), "")
        if "catch_phrase" in wanted:
            columns["catch_phrase"] = pool(self.locale, "catch_phrase", "bs", "company").take(places(batch, ctx, 4))
        return struct_of(columns, self.fields)
