"""`person`: people whose fields agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import check_order
from lookalike.generators.pools import Locale, check_fields, digits, folded, phone_shapes, places, pool, struct_of
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

FIELDS = ("first_name", "last_name", "name", "sex", "age", "birth_date", "email", "username", "phone", "job")
_FEMALE = ("f", "female", "w", "woman", "weiblich", "femme", "mujer")
_MALE = ("m", "male", "man", "männlich", "homme", "hombre")
_FIRST = {"F": ("first_name_female", "first_name"), "M": ("first_name_male", "first_name")}
_LAST = {"F": ("last_name_female", "last_name"), "M": ("last_name_male", "last_name")}
_SURNAME_FIRST = ("zh", "ja", "ko", "hu", "vi")
_NO_SPACE = ("zh", "ja", "ko")


class Person(Generator):
    """A person of a locale; the cell is a struct whose fields agree: name and sex, age and birth date, name and e-mail.

    Names come from faker's lists with its frequencies. E-mail addresses are under example.com, .org and .net, which belong to nobody.

    ```yaml
    person: {kind: person, locale: de_DE, fields: [first_name, last_name, sex, age, email]}
    parent: {kind: person, age: [25, 60], sex: gender}
    author: {kind: person, fields: name}
    ```

    Attributes:
        locale: as en_US, de_DE, ja_JP.
        fields: which of first_name, last_name, name, sex, age, birth_date, email, username, phone, job; one name alone gives a
            plain column.
        age: youngest and oldest, evenly likely.
        sex: a column that says the sex (F or M, female or male ...); empty: F and M evenly. Other values take names of both.
        today: ages are as of this day.
    """

    kind: ClassVar[str] = "person"

    locale: Locale = "en_US"
    fields: str | tuple[str, ...] = ("first_name", "last_name", "sex", "age", "birth_date", "email", "phone")
    age: tuple[int, int] = (18, 90)
    sex: str = ""
    today: date = date(2026, 1, 1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_fields(self.fields, FIELDS)
        check_order(*self.age)
        if self.age[0] < 0:
            raise ValueError(f"age: {self.age[0]} is below 0")
        return self

    def needs(self) -> frozenset[str]:
        """The column of `sex`."""
        return frozenset({self.sex} if self.sex else ())

    def inside(self) -> tuple[str, ...]:
        """The fields asked for; one alone is a plain column."""
        return () if isinstance(self.fields, str) else self.fields

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """A struct, or one field; the draws of a field do not depend on which others are asked for."""
        wanted = {self.fields} if isinstance(self.fields, str) else set(self.fields)
        female = self._female(batch, ctx)
        columns: dict[str, pa.Array] = {"sex": batch[self.sex] if self.sex else pa.array(np.where(female, "F", "M"))}
        if wanted & {"first_name", "last_name", "name", "email", "username"}:
            columns |= self._names(batch, ctx, female)
        if wanted & {"age", "birth_date"}:
            columns |= self._ages(batch, ctx)
        if wanted & {"phone"}:
            columns["phone"] = _join(phone_shapes(self.locale).take(places(batch, ctx, 6)), digits(batch, ctx, 7, 4), "")
        if wanted & {"job"}:
            columns["job"] = pool(self.locale, "job").take(places(batch, ctx, 8))
        return struct_of(columns, self.fields)

    def _female(self, batch: Batch, ctx: Context) -> np.ndarray:
        either = ctx.uniform(batch.ids, 0) < 0.5
        if not self.sex:
            return either
        given = pc.utf8_lower(batch[self.sex].cast(pa.string()))
        known = [pc.is_in(given, pa.array(words)).to_numpy(zero_copy_only=False) for words in (_FEMALE, _MALE)]
        return np.where(known[0], True, np.where(known[1], False, either))

    def _names(self, batch: Batch, ctx: Context, female: np.ndarray) -> dict[str, pa.Array]:
        first, last = places(batch, ctx, 1), places(batch, ctx, 2)
        mask = pa.array(female)

        def choose(methods: Mapping[str, tuple[str, ...]], index: pa.Array, ascii_only: bool = False) -> pa.Array:
            source = folded if ascii_only else pool
            return pc.if_else(
                mask, source(self.locale, *methods["F"]).take(index), source(self.locale, *methods["M"]).take(index)
            )

        first_name, last_name = choose(_FIRST, first), choose(_LAST, last)
        space = "" if self.locale.startswith(_NO_SPACE) else " "
        surname_first = self.locale.startswith(_SURNAME_FIRST)
        name = _join(last_name, first_name, space) if surname_first else _join(first_name, last_name, space)
        stem = _join(choose(_FIRST, first, True), choose(_LAST, last, True), ".")
        username = _join(stem, digits(batch, ctx, 3, 2), "")
        domain = pa.array(["example.com", "example.org", "example.net"]).take(places(batch, ctx, 4, 3))
        return {
            "first_name": first_name,
            "last_name": last_name,
            "name": name,
            "username": username,
            "email": _join(username, domain, "@"),
        }

    def _ages(self, batch: Batch, ctx: Context) -> dict[str, pa.Array]:
        """Whole years and a birth date that give each other on `today`."""
        low, high = self.age
        years = low + (ctx.uniform(batch.ids, 5) * (high - low + 1)).astype(np.int64)
        today = np.datetime64(self.today, "D")
        month, day = today.astype("datetime64[M]"), today - today.astype("datetime64[M]")
        # the last birthday allowed: today so many years ago; the 29th of February counts from the 28th
        latest = (month - 12 * years).astype("datetime64[D]") + np.where(
            (self.today.month, self.today.day) == (2, 29), 27, day.astype(int)
        )
        return {
            "age": pa.array(years),
            "birth_date": pa.array(latest - (ctx.uniform(batch.ids, 9) * 365).astype(np.int64)),
        }


def _join(left: pa.Array, right: pa.Array, between: str) -> pa.Array:
    return pc.binary_join_element_wise(left, right, between)
