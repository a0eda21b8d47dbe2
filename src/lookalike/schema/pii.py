"""Personal data and secrets in text, by pattern and checksum; no model, no network.

One pass a kind over the joined text, each pattern guarded by a cheap test ("is there an @ at all?"), each number by its
checksum, so that what is reported is nearly always what it looks like. Names and addresses have no checksum: they are looked
for by replay of the source's own (`privacy.replay.identifier_replay`), which needs no recogniser.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import accumulate

_SEPARATOR = "\n\x1e\n"  # no pattern matches across it


@dataclass(frozen=True, slots=True)
class PiiFinding:
    """One hit.

    Attributes:
        kind: email, phone, iban, card, ssn, national_id, ip, url or secret.
        text: index of the text it is in.
        start: first character in that text.
        stop: one past the last.
    """

    kind: str
    text: int
    start: int
    stop: int


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for i, char in enumerate(reversed(digits)):
        value = int(char) * (1 + i % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_valid(text: str) -> bool:
    """Whether an IBAN has its country's length and remainder 1 modulo 97 (ISO 13616)."""
    compact = re.sub(r"[\s-]", "", text).upper()
    if IBAN_LENGTHS.get(compact[:2]) != len(compact) or not (compact.isascii() and compact.isalnum()):
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


# prefixes and lengths that issuers use: a Luhn digit alone is right for one number in ten
_ISSUER = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|(?:6\d|5[06-8])\d{14}(?:\d{2,3})?)$"
)


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return bool(_ISSUER.match(digits)) and len(set(digits)) > 1 and luhn(digits)


def _phone(text: str) -> bool:
    digits = re.sub(r"\D", "", re.split("[xe]", text)[0])
    if not 9 <= len(digits) <= 15 or len(set(digits)) < 3 or re.fullmatch(r"\d{3}-\d{2}-\d{4}", text):
        return False
    return text[0] in "+(0" or text.count("-") + text.count(" ") + text.count(".") >= 2


def _ssn(text: str) -> bool:
    area, group, serial = text.replace(" ", "-").split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _ip(text: str) -> bool:
    try:
        return not ip_address(text).is_unspecified
    except ValueError:
        return False


def national_id_valid(text: str) -> bool:
    """Whether the check signs of a Spanish DNI, British NHS number, French NIR, Italian codice fiscale or Brazilian CPF hold."""
    compact = re.sub(r"[\s.-]", "", text).upper()
    return any(check(compact) for check in (_dni, _nhs, _nir, _codice_fiscale, _cpf))


def _dni(text: str) -> bool:
    """Spanish DNI and NIE: letter by remainder modulo 23."""
    if not re.fullmatch(r"[XYZ\d]\d{7}[A-Z]", text):
        return False
    return text[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(text[:-1].translate(str.maketrans("XYZ", "012"))) % 23]


def _nhs(text: str) -> bool:
    """British NHS number: ten digits, weights 10..2, modulo 11."""
    if not re.fullmatch(r"[4-7]\d{9}", text) or len(set(text)) < 3:
        return False
    check = 11 - sum(int(c) * w for c, w in zip(text, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(text[-1]) and check != 10


def _nir(text: str) -> bool:
    """French NIR: 13 digits and a key, 97 minus the remainder."""
    if not re.fullmatch(r"[12]\d{2}(0[1-9]|1[0-2])\d{10}", text):
        return False
    return int(text[13:]) == 97 - int(text[:13]) % 97


def _codice_fiscale(text: str) -> bool:
    """Italian codice fiscale: the check letter over odd and even places."""
    if not re.fullmatch(r"[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", text):
        return False
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)

    def value(c: str) -> int:
        return int(c) if c.isdigit() else ord(c) - 65

    total = sum(odd[value(c)] if i % 2 == 0 else value(c) for i, c in enumerate(text[:15]))
    return text[15] == chr(65 + total % 26)


def _cpf(text: str) -> bool:
    """Brazilian CPF: two check digits modulo 11."""
    if not re.fullmatch(r"\d{11}", text) or len(set(text)) == 1:
        return False
    for size in (9, 10):
        rest = sum(int(c) * w for c, w in zip(text, range(size + 1, 1, -1), strict=False)) * 10 % 11 % 10
        if rest != int(text[size]):
            return False
    return True


def _secret(text: str) -> bool:
    value = re.split(r"[=:]\s*[\"']?", text, maxsplit=1)[-1] if re.match(r"(?i)(api|secret|pass|token|auth)", text) else text
    return len(set(value)) >= 6 and not re.fullmatch(r"(?i)[x*.<>{}_-]+|your.*|example.*|changeme", value)


@dataclass(frozen=True, slots=True)
class PiiPattern:
    """A kind: where to look, what it looks like, what proves it.

    Attributes:
        kind: reported name.
        guard: a text without any of these characters cannot hold one.
        regex: the shape.
        proof: checksum or further test on the matched text.
    """

    kind: str
    guard: str
    regex: re.Pattern[str]
    proof: Callable[[str], bool] = lambda _: True


_D = r"(?<![\w.+-])"  # nothing number-like just before
_E = r"(?![\w-]|\.\d)"  # nor just after

PATTERNS: tuple[PiiPattern, ...] = (
    PiiPattern("secret", "", re.compile(
        r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}"
        r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}|\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}\b|\bhf_[A-Za-z]{30,}\b"
        r"|\bglpat-[\w-]{20,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
        r"|\b(?i:api[_-]?key|secret(?:[_-]?key)?|password|passwd|auth[_-]?token|token)\b[\"']?\s*[=:]\s*[\"']?[^\s\"',;]{8,}"
    ), _secret),
    PiiPattern("url", ":", re.compile(r"\b(?:https?|ftp)://[^\s<>\"'\])}]{4,}")),
    PiiPattern("email", "@", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}\b")),
    PiiPattern("iban", "", re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])"), iban_valid),
    PiiPattern("card", "", re.compile(_D + r"[2-6]\d{3}(?:[ -]?\d){9,15}" + _E), _card),
    PiiPattern("ssn", "-", re.compile(_D + r"\d{3}-\d{2}-\d{4}" + _E), _ssn),
    PiiPattern("ip", ".", re.compile(_D + r"(?:\d{1,3}\.){3}\d{1,3}" + _E), _ip),
    PiiPattern("ip", ":", re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}){1,6}(?![\w:])"), _ip),
    PiiPattern("national_id", "", re.compile(
        r"\b[XYZ\d]\d{7}-?[A-Z]\b|\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b|\b\d{3} \d{3} \d{4}\b"
        r"|\b[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}\b|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"
    ), national_id_valid),
    PiiPattern("phone", "", re.compile(_D + r"(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ ./-]?\d{2,5}){1,4}(?: ?(?:x|ext\.?) ?\d{1,6})?(?!\w|[.,-]?\d)"), _phone),
)  # fmt: skip

KINDS: tuple[str, ...] = tuple(dict.fromkeys(pattern.kind for pattern in PATTERNS))


def scan(texts: Sequence[str | None], kinds: Iterable[str] = KINDS) -> list[PiiFinding]:
    """Every hit in the texts, in order of text and place; a stretch of text is reported as one kind only.

    Args:
        texts: any strings; None is skipped.
        kinds: which to look for, by default all.
    """
    wanted = set(kinds)
    parts = [text or "" for text in texts]
    joined = _SEPARATOR.join(parts)
    offsets = list(accumulate((len(part) + len(_SEPARATOR) for part in parts[:-1]), initial=0)) if parts else []
    present = set(joined)
    taken = bytearray(len(joined))
    out = []
    for pattern in PATTERNS:
        if pattern.guard and not present.intersection(pattern.guard):
            continue
        for match in pattern.regex.finditer(joined):
            start, stop = match.span()
            if not any(taken[start:stop]) and pattern.proof(match.group()):
                taken[start:stop] = b"\x01" * (stop - start)
                if pattern.kind in wanted:
                    row = bisect_right(offsets, start) - 1
                    out.append(PiiFinding(pattern.kind, row, start - offsets[row], stop - offsets[row]))
    return sorted(out, key=lambda f: (f.text, f.start))


def count(texts: Sequence[str | None], kinds: Iterable[str] = KINDS) -> dict[str, int]:
    """Hits by kind, only kinds that were found."""
    found: dict[str, int] = {}
    for finding in scan(texts, kinds):
        found[finding.kind] = found.get(finding.kind, 0) + 1
    return found
