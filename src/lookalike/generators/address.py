"""`address`: postal addresses by locale."""

from __future__ import annotations

from typing import ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.pools import Locale, check_fields, places, pool, struct_of
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

_METHODS: dict[str, tuple[str, ...]] = {
    "street": ("street_name",),
    "number": ("building_number",),
    "postcode": ("postcode", "zipcode"),
    "city": ("city",),
    "region": ("administrative_unit", "state", "province", "region", "prefecture", "city"),
    "country": ("current_country",),
}
FIELDS = (*_METHODS, "full")
_NUMBER_LAST = (
    "de",
    "nl",
    "it",
    "es",
    "pl",
    "cs",
    "sk",
    "da",
    "sv",
    "nb",
    "no",
    "fi",
    "pt",
    "hu",
    "hr",
    "sl",
    "ru",
    "uk",
    "tr",
    "el",
)


class Address(Generator):
    """A postal address of a locale; the cell is a struct. Streets and towns come from faker's lists and need not exist together.

    ```yaml
    home: {kind: address, locale: fr_FR, fields: [street, number, postcode, city]}
    city: {kind: address, locale: de_DE, fields: city}
    ```

    Attributes:
        locale: as en_US, de_DE, ja_JP.
        fields: which of street, number, postcode, city, region, country, full; one name alone gives a plain column.
    """

    kind: ClassVar[str] = "address"

    locale: Locale = "en_US"
    fields: str | tuple[str, ...] = ("street", "number", "postcode", "city", "region", "country")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_fields(self.fields, FIELDS)
        return self

    def inside(self) -> tuple[str, ...]:
        """The fields asked for; one alone is a plain column."""
        return () if isinstance(self.fields, str) else self.fields

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """A struct, or one field."""
        wanted = {self.fields} if isinstance(self.fields, str) else set(self.fields)
        if "full" in wanted:
            wanted |= {"street", "number", "postcode", "city"}
        columns = {
            name: pool(self.locale, *methods).take(places(batch, ctx, draw))
            for draw, (name, methods) in enumerate(_METHODS.items())
            if name in wanted
        }
        if "full" in wanted:
            columns["full"] = self._full(columns)
        return struct_of(columns, self.fields)

    def _full(self, columns: dict[str, pa.Array]) -> pa.Array:
        street, number = columns["street"], columns["number"]
        if self.locale.startswith(_NUMBER_LAST):
            line = pc.binary_join_element_wise(street, number, " ")
            town = pc.binary_join_element_wise(columns["postcode"], columns["city"], " ")
        else:
            line = pc.binary_join_element_wise(number, street, " ")
            town = pc.binary_join_element_wise(columns["city"], columns["postcode"], " ")
        return pc.binary_join_element_wise(line, town, ", ")
