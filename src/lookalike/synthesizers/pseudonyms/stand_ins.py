"""New valid values of personal kinds: names, mail addresses, accounts, cards, numbers that belong to nobody on purpose.

Every function makes the values of given row ids under one key, vectorised: the same key and id give the same value, so a
stand-in can be tied to an original by hashing it to an id. Mail and web addresses use the domains that RFC 2606 reserves, IP
addresses the private networks of RFC 1918.
"""

# pyright: reportReturnType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike import rng

Ids = rng.Ids
Texts = npt.NDArray[np.object_]
DOMAINS = np.array(["example.com", "example.org", "example.net"], object)
WORDS = np.array(
    "amber birch cedar delta ember field grove harbor iris juniper lake maple north opal pine quartz river stone".split(),
    object,
)


@cache
def _pool(locale: str, what: str) -> Texts:
    """Names of Faker's locale data, read without building a Faker."""
    part = "person" if what in ("first_names", "last_names") else "address"
    provider = import_module(f"faker.providers.{part}.{locale}").Provider
    return np.array(list(getattr(provider, what)), object)


def _pick(pool: Texts, key: int, ids: Ids, draw: int) -> Texts:
    return np.asarray(pool[(rng.uniform(key, ids, draw) * len(pool)).astype(np.int64)])


def _digits(key: int, ids: Ids, draw: int, count: int) -> Texts:
    numbers = (rng.bits(key, ids, draw) >> np.uint64(4)) % np.uint64(10**count)
    return np.array([f"{number:0{count}d}" for number in numbers.tolist()], object)


def person(key: int, ids: Ids, locale: str = "en_US") -> Texts:
    """First and last name."""
    return _pick(_pool(locale, "first_names"), key, ids, 0) + " " + _pick(_pool(locale, "last_names"), key, ids, 1)


def first_name(key: int, ids: Ids, locale: str = "en_US") -> Texts:
    """First name."""
    return _pick(_pool(locale, "first_names"), key, ids, 0)


def last_name(key: int, ids: Ids, locale: str = "en_US") -> Texts:
    """Last name."""
    return _pick(_pool(locale, "last_names"), key, ids, 1)


def email(key: int, ids: Ids, locale: str = "en_US") -> Texts:
    """A mail address of the person with the same key and id, at a reserved domain."""
    first, last = first_name(key, ids, locale), last_name(key, ids, locale)
    local = np.array([f"{a}.{b}".lower().replace(" ", "").replace("'", "") for a, b in zip(first, last, strict=True)], object)
    return local + _digits(key, ids, 2, 4) + "@" + _pick(DOMAINS, key, ids, 3)


def address(key: int, ids: Ids, locale: str = "en_US") -> Texts:
    """House number, street, town, state and postal code."""
    number = (rng.uniform(key, ids, 4) * 9899 + 1).astype(np.int64).astype(str).astype(object)
    street = _pick(_pool(locale, "last_names"), key, ids, 5) + " " + _pick(_pool("en_US", "street_suffixes"), key, ids, 6)
    town = _pick(_pool(locale, "last_names"), key, ids, 7) + _pick(_pool("en_US", "city_suffixes"), key, ids, 8)
    state = _pick(_pool("en_US", "states_abbr"), key, ids, 9)
    return number + " " + street + ", " + town + ", " + state + " " + _digits(key, ids, 10, 5)


def phone(key: int, ids: Ids, locale: str = "en_US") -> Texts:  # noqa: ARG001  # one signature for all kinds
    """A number of the North American plan in the range 555-01xx that is reserved for fiction."""
    area = (rng.uniform(key, ids, 0) * 799 + 201).astype(np.int64).astype(str).astype(object)
    return "+1-" + area + "-555-01" + _digits(key, ids, 1, 2)


def iban(key: int, ids: Ids, locale: str = "en_US") -> Texts:  # noqa: ARG001
    """An IBAN with German length and right check digits; the bank code begins with 0, which no bank has."""
    accounts = _digits(key, ids, 0, 17)
    return np.array([f"DE{98 - int(f'0{body}131400') % 97:02d}0{body}" for body in accounts.tolist()], object)


def card(key: int, ids: Ids, locale: str = "en_US") -> Texts:  # noqa: ARG001
    """A 16-digit card number whose Luhn digit holds."""
    bodies = _digits(key, ids, 0, 14)
    return np.array([_luhn("4" + body) for body in bodies.tolist()], object)


def _luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return f"{body}{-total % 10}"


def national_id(key: int, ids: Ids, locale: str = "en_US") -> Texts:  # noqa: ARG001
    """A number of the shape of a United States social security number."""
    area = (rng.uniform(key, ids, 0) * 664 + 1).astype(np.int64)
    group = (rng.uniform(key, ids, 1) * 98 + 1).astype(np.int64)
    serial = (rng.uniform(key, ids, 2) * 9998 + 1).astype(np.int64)
    parts = zip(area.tolist(), group.tolist(), serial.tolist(), strict=True)
    return np.array([f"{a:03d}-{g:02d}-{s:04d}" for a, g, s in parts], object)


def ip(key: int, ids: Ids, locale: str = "en_US") -> Texts:  # noqa: ARG001
    """An address of the private network 10.0.0.0/8."""
    bits = rng.bits(key, ids, 0)
    parts = [((bits >> np.uint64(shift)) & np.uint64(255)).astype(np.int64).astype(str).astype(object) for shift in (8, 24, 40)]
    return "10." + parts[0] + "." + parts[1] + "." + parts[2]


def url(key: int, ids: Ids, locale: str = "en_US") -> Texts:  # noqa: ARG001
    """A web address at a reserved domain."""
    path = _pick(WORDS, key, ids, 1) + "-" + _pick(WORDS, key, ids, 2) + "/" + _digits(key, ids, 3, 6)
    return "https://www." + _pick(DOMAINS, key, ids, 0) + "/" + path


MAKERS: dict[str, Callable[[int, Ids, str], Texts]] = {
    "name": person, "first_name": first_name, "last_name": last_name, "email": email, "address": address, "phone": phone,
    "iban": iban, "card": card, "national_id": national_id, "ip": ip, "url": url,
}  # fmt: skip


def maker(semantic: str, column: str) -> Callable[[int, Ids, str], Texts]:
    """The function that makes values of a personal kind; a column's name can say first or last name."""
    if semantic == "name":
        plain = column.lower()
        if "first" in plain or "given" in plain or plain == "fname":
            return first_name
        if "last" in plain or "surname" in plain or "family" in plain or plain == "lname":
            return last_name
    return MAKERS[semantic]


def shaped(shapes: list[str], weights: list[float], key: int, ids: Ids) -> pa.Array:
    """Texts of given shapes: `#` is a digit, every other sign stays; the first digit of a run of digits is never 0.

    Args:
        shapes: such as `+44 #### ######`.
        weights: shares of the shapes.
        key: the column's key.
        ids: int64 [n].
    """
    cuts = np.cumsum(weights) / sum(weights)
    which = np.minimum(np.searchsorted(cuts, rng.uniform(key, ids, 90)), len(shapes) - 1)
    out = np.empty(len(ids), object)
    for index, shape in enumerate(shapes):
        rows = np.flatnonzero(which == index)
        filled = np.full((len(rows), max(1, len(shape))), " ", "U1")
        for place, sign in enumerate(shape):
            if sign == "#":
                low = 0 if place and shape[place - 1] == "#" else 1
                digit = (rng.uniform(key, ids[rows], 100 + place) * (10 - low)).astype(np.int64) + low
                filled[:, place] = digit.astype("U1")
            else:
                filled[:, place] = sign
        out[rows] = [text[: len(shape)] for text in filled.view(f"U{filled.shape[1]}").ravel().tolist()] if len(rows) else []
    return pa.array(out, pa.string())


def corrected(made: pa.Array, valid: Callable[[str], bool]) -> pa.Array:
    """Numbers whose check signs hold: the last sign is set, else the last two, else the first digit as well.

    Args:
        made: texts of the right shape.
        valid: whether the check signs of one hold.
    """
    return pa.array(
        [text if valid(text) else next(filter(valid, _neighbours(text)), text) for text in made.to_pylist()], pa.string()
    )


def _neighbours(text: str) -> Iterator[str]:
    """The text with other signs of the same kind in the places where check signs stand."""
    places = [i for i, sign in enumerate(text) if sign.isalnum()]
    kinds = ["0123456789" if sign.isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for sign in text]
    for where in [places[-1:], places[-2:], [places[0], *places[-2:]]] if places else []:
        for signs in product(*(kinds[i] for i in where)):
            out = list(text)
            for i, sign in zip(where, signs, strict=True):
                out[i] = sign
            yield "".join(out)


def reshaped(originals: Sequence[str], key: int, ids: Ids) -> pa.Array:
    """Each original with its digits replaced: the shape is its own, whatever else is in the column.

    Args:
        originals: texts [n].
        key: the column's key.
        ids: int64 [n], one for each original.
    """
    shapes = np.array([re.sub(r"\d", "#", text) for text in originals], object)
    out = np.empty(len(originals), object)
    for shape in set(shapes.tolist()):
        rows = np.flatnonzero(shapes == shape)
        out[rows] = shaped([shape], [1.0], key, ids[rows]).to_pylist()
    return pa.array(out, pa.string())
