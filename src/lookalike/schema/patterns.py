"""What single texts look like: personal identifiers by checksum and shape, identifiers by a found regex.

Every test takes one text. A test with a checksum (IBAN, card) is strong evidence alone; a weak shape (phone, national id,
person's name) needs the column's name to agree.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

from lookalike.schema import pii

EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,24}")
URL = re.compile(r"(?:https?|ftp)://\S{3,}|www\.[\w-]+\.\S{2,}", re.IGNORECASE)
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PHONE = re.compile(r"\+?\(?\d[\d\s().\-/x]{5,22}\d(?:\s?(?:x|ext\.?)\s?\d{1,5})?")
SSN = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}")
NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]")
ADDRESS = re.compile(
    r"\d{1,6}\w?\s+[\w.' -]{3,}(?:[,\n].*)?|[\w.' -]{3,}\s\d{1,5}\w?(?:,.*)?|.*\b(?:street|st|road|rd|avenue|ave|lane|drive|strasse|rue)\b.*",
    re.IGNORECASE | re.DOTALL,
)
PERSON = re.compile(
    r"(?:(?:Dr|Mr|Mrs|Ms|Prof|Miss)\.? )?[A-ZÀ-Þ][\w'’.-]*(?:,? (?:[a-zß-ÿ]{2,3} )?[A-ZÀ-Þ][\w'’.-]*){0,4}(?: (?:MD|DDS|PhD|DVM|Jr\.?|Sr\.?|I{1,3}))?"
)


def is_card(text: str) -> bool:
    """A payment card number: 13 to 19 digits of a known network, Luhn holds."""
    plain = re.sub(r"[ -]", "", text)
    return bool(re.fullmatch(r"[2-6]\d{12,18}", plain)) and pii.luhn(plain)


def is_ip(text: str) -> bool:
    """An IPv4 or IPv6 address."""
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_national_id(text: str) -> bool:
    """A social security (United States) or national insurance number (Britain), or one of the kinds that `pii` checks."""
    return bool(SSN.fullmatch(text) or NINO.fullmatch(text)) or pii.national_id_valid(text)


def is_phone(text: str) -> bool:
    """A phone number: 7 to 15 digits (ITU-T E.164) and separators."""
    return bool(PHONE.fullmatch(text)) and 7 <= sum(c.isdigit() for c in text) <= 20


def is_person(text: str) -> bool:
    """One to five words, capitalised where the script has capitals, as people's names are written."""
    if any(c.isdigit() for c in text):
        return False
    if PERSON.fullmatch(text):
        return True
    words = [word for word in re.split(r"[\s·・.'’-]+", text) if word]
    letters = all(c.isalpha() or unicodedata.category(c)[0] == "M" for c in "".join(words))
    named = all(word[0].isupper() or word.lower() == word.upper() for word in words)
    return letters and named and 1 <= len(words) <= 5 and max(map(len, words)) <= 20


PERSON_COLUMN = re.compile(
    r"(^|_)((first|last|given|family|middle|maiden|full|sur|fore|nick|user|legal|contact|customer|patient|employee|client|person|"
    r"owner|author|member|student|doctor|physician|passenger|cardholder|holder|guest|driver|applicant)_?name|name|surname|"
    r"firstname|lastname|fname|lname|"
    r"vorname|nachname|familienname|pr[eé]nom|nom|nombres?|apellidos?|nome|cognome|sobrenome|voornaam|achternaam|imi[eę]|nazwisko|jm[eé]no|"
    r"p[rř][ií]jmen[ií]|f[oö]rnamn|efternamn|soyad[iı]?|имя|фамилия|отчество|фио|όνομα|επώνυμο|الاسم|اسم|שם|नाम|ชื่อ|姓名|姓|名字|名前|氏名|이름|성명)($|_)"
)
NOT_PERSON = re.compile(
    r"(product|company|file|brand|city|country|state|street|species|model|event|item|store|shop|team|tag|table|column|field|host|"
    r"domain|place|region|car|category|class|group|type|project|course|game|song|movie|film|drug|medication|hospital)"
)
PHONE_COLUMN = re.compile(r"phone|mobile|(^|_)(tel|cell|fax|telephone|handy|msisdn)($|_)")
ADDRESS_COLUMN = re.compile(r"address|street|(^|_)addr")
NATIONAL_COLUMN = re.compile(
    r"(^|_)(ssn|social_security|national_id|nino|nin|passport|tax_id|sin|cpf|dni|pesel|bsn|personnummer)"
)
ID_COLUMN = re.compile(
    r"(^|_)(id|ids|uuid|guid|key|pk|fk|identifier|no|nr|num|number|ref|reference|mrn|sku|isbn|code|hash)($|_)"
)
STRICT_ID_COLUMN = re.compile(r"(^|_)(id|uuid|guid|key|pk|fk|identifier|mrn|index|rowid|row_id)($|_)")


def snake(name: str) -> str:
    """A column name in lower snake case: `customerID`, `Customer ID` and `customer-id` are customer_id."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


Test = Callable[[str], bool]
STRONG: Final[tuple[tuple[str, Test], ...]] = (
    ("email", lambda text: bool(EMAIL.fullmatch(text))),
    ("url", lambda text: bool(URL.fullmatch(text))),
    ("iban", pii.iban_valid),
    ("ip", is_ip),
    ("national_id", is_national_id),
)
HINTED: Final[tuple[tuple[str, Test, re.Pattern[str]], ...]] = (
    ("phone", is_phone, PHONE_COLUMN),
    ("address", lambda text: bool(ADDRESS.fullmatch(text)), ADDRESS_COLUMN),
    ("name", is_person, PERSON_COLUMN),
)


def share(values: Sequence[str], test: Test) -> float:
    """Share of the texts for which the test holds."""
    return sum(test(value.strip()) for value in values) / max(1, len(values))


def personal(name: str, values: Sequence[str]) -> tuple[str, str]:
    """The kind of personal identifier that a column holds, and why; ("", "") for none.

    Args:
        name: the column's name.
        values: distinct non-null texts, a sample of some hundreds.
    """
    column = snake(name)
    for kind, test in STRONG:
        held = share(values, test)
        if held >= 0.9:
            return kind, f"{held:.0%} of sampled values are valid as {kind.replace('_', ' ')}"
    held = share(values, is_card)
    if held >= 0.9 or (held >= 0.5 and "card" in column):
        return "card", f"{held:.0%} of sampled values pass the Luhn check of payment cards"
    if NATIONAL_COLUMN.search(column):
        return "national_id", f"the name {name!r} says national identifier"
    for kind, test, hint in HINTED:
        if hint.search(column) and not (kind == "name" and NOT_PERSON.search(column)):
            held = share(values, test)
            if held >= 0.7:
                return kind, f"the name {name!r} and the shape of {held:.0%} of sampled values say {kind}"
    held = share(
        values,
        lambda text: (
            is_phone(text)
            and sum(map(str.isdigit, text)) >= 9
            and (text.startswith("+") or "(" in text or text.count("-") == 2)
        ),
    )
    if held >= 0.9:
        return "phone", f"{held:.0%} of sampled values are written as phone numbers"
    return "", ""


def id_regex(values: Sequence[str]) -> str:
    """A regex that every text matches, from the runs of digits, letters and fixed signs; "" when shapes differ.

    Fixed letters stay: C-0042 and C-1234 give `C-[0-9]{4}`.
    """
    if not values:
        return ""
    if all(UUID.fullmatch(value) for value in values):
        return "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    runs = [re.findall(r"[0-9]+|[A-Z]+|[a-z]+|[^0-9A-Za-z]", value) for value in values]
    if len({len(run) for run in runs}) == 1:
        parts = [_part([run[i] for run in runs]) for i in range(len(runs[0]))]
        if all(parts):
            return "".join(parts)
    for signs in ("[0-9a-f]", "[0-9A-F]", "[0-9a-zA-Z]", "[0-9a-zA-Z_-]"):
        if all(re.fullmatch(signs + "+", value) for value in values):
            return signs + _count([len(value) for value in values])
    return ""


def _part(pieces: Sequence[str]) -> str:
    if len(set(pieces)) == 1:
        return (
            re.escape(pieces[0]).replace("\\-", "-")
            if not pieces[0].isdigit() or len(pieces) > 5
            else f"[0-9]{_count([len(pieces[0])])}"
        )
    for signs in ("[0-9]", "[A-Z]", "[a-z]"):
        if all(re.fullmatch(signs + "+", piece) for piece in pieces):
            return signs + _count([len(piece) for piece in pieces])
    return ""


def _count(lengths: Sequence[int]) -> str:
    low, high = min(lengths), max(lengths)
    return (f"{{{low}}}" if low > 1 else "") if low == high else f"{{{low},{high}}}"
