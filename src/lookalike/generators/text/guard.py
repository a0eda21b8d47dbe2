"""stand_in: people and their numbers replaced before a text leaves the machine, the same one always by the same one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import ClassVar

import pyarrow as pa

from lookalike import rng
from lookalike.generators.base import Generator
from lookalike.generators.pools import pool
from lookalike.generators.text.columns import column, head, texts
from lookalike.generators.text.edits import Edit, apply, disjoint
from lookalike.generators.text.finding import occurrences
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\bhttps?://\S+|\bwww\.\S+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"\b(?:\d[ -]?){12,18}\d\b")
_SSN = re.compile(r"\b\d{3}-\d{2}-\d{4}\b")
_IP = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_PHONE = re.compile(
    r"(?<![\w.])(?:\+\d{1,3}[ .-]?|\(\d{2,5}\)[ .-]?|0)\d(?:[ ./()-]{0,2}\d){5,12}\b|(?<![\w.-])\d{3}[ .-]\d{3}[ .-]\d{4}\b"
)
_NAME = r"(?:[A-Z]['’])?[A-Z][\w-]*[a-zß-ÿ]"
_TITLED = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Herr|Frau)\.? ({_NAME}(?: {_NAME})?)")
_PAIR = re.compile(rf"\b({_NAME})((?: [A-Z]\.)? )({_NAME})\b")


@lru_cache(maxsize=8)
def _names(locale: str) -> tuple[frozenset[str], tuple[str, ...], tuple[str, ...], frozenset[str]]:
    """Known first names, then stand-ins: women's, men's and surnames."""
    female, male = (sorted(set(pool(locale, m, "first_name").to_pylist())) for m in ("first_name_female", "first_name_male"))
    last = sorted(set(pool(locale, "last_name").to_pylist()))
    return frozenset(female) | frozenset(male), tuple(female), tuple(male), frozenset(last)


class Pseudonyms:
    """Stand-ins by a key: a function of the key and of what is replaced, so they agree over rows, columns and tables.

    A person's first name and surname have stand-ins of their own, so `John Smith`, `Smith` and `John` stay one person.
    """

    def __init__(self, key: int, locale: str = "en_US") -> None:
        self.key, self.locale = key, locale
        self.known, female, male, last = _names(locale)
        self._pools = {"female": female, "male": male, "last": tuple(sorted(last))}
        self._female = frozenset(female) - frozenset(male)

    def name(self, name: str, *, surname: bool = False) -> str:
        """The stand-in of a name of one or more words."""
        parts = name.split(" ")
        out = []
        for place, part in enumerate(parts):
            last = surname or (place == len(parts) - 1 and len(parts) > 1)
            which = "last" if last else "female" if part in self._female else "male"
            out.append(part if part.endswith(".") else self._draw(which, part))
        return " ".join(out)

    def _draw(self, which: str, part: str) -> str:
        options = self._pools[which]
        place = rng.key(self.key, "name", part.casefold()) % len(options)
        found = options[place] if options[place].casefold() != part.casefold() else options[(place + 1) % len(options)]
        return found.upper() if part.isupper() and len(part) > 1 else found

    def digits(self, text: str) -> str:
        """The text with its digits replaced, its form kept."""
        draws = rng.generator(self.key, "digits", re.sub(r"\D", "", text))
        return "".join(str(int(draws.integers(10))) if c.isdigit() else c for c in text)

    def email(self, text: str) -> str:
        """An address under example.com, which belongs to nobody."""
        return f"user{rng.key(self.key, 'email', text.casefold()) % 1_000_000:06d}@example.com"

    def url(self, text: str) -> str:
        """An address under example.com; punctuation after it stays."""
        bare = text.rstrip(".,;:!?)")
        return f"https://example.com/{rng.key(self.key, 'url', bare.casefold()) % 1_000_000:06d}{text[len(bare) :]}"


def replaced(text: str, pseudonyms: Pseudonyms, people: Iterable[str] = ()) -> list[Edit]:
    """Edits that replace personal data in a text.

    Args:
        text: any text.
        pseudonyms: who stands in.
        people: names that are known to be in it, whole or in part; they need no recognition.
    """
    found: list[Edit] = []

    def take(pattern: re.Pattern[str], kind: str, make: Callable[[str], str]) -> None:
        found.extend(Edit(*m.span(), make(m.group()), kind) for m in pattern.finditer(text))

    if "@" in text:
        take(_EMAIL, "email", pseudonyms.email)
    take(_URL, "url", pseudonyms.url)
    for pattern, kind in ((_IBAN, "iban"), (_CARD, "card"), (_SSN, "national_id"), (_IP, "ip"), (_PHONE, "phone")):
        take(pattern, kind, pseudonyms.digits)
    for name in people:
        parts = [name, *(part for part in name.split(" ") if len(part) > 2 and " " in name)]
        for part in dict.fromkeys(p for p in parts if p):
            surname = " " in name and part == name.split(" ")[-1]
            found += [Edit(a, b, pseudonyms.name(part, surname=surname), "name") for a, b in occurrences(part, text)]
    found += _recognised(text, pseudonyms)
    longest = sorted(found, key=lambda e: (e.start - e.end, e.start))
    kept: list[Edit] = []
    for edit in longest:
        if all(edit.end <= other.start or other.end <= edit.start for other in kept):
            kept.append(edit)
    return disjoint(kept)


def _recognised(text: str, pseudonyms: Pseudonyms) -> list[Edit]:
    """Names after a title, and after a known first name; their parts alone too."""
    found = []
    for match in _TITLED.finditer(text):
        surname = " " not in match[1]
        found.append(Edit(*match.span(1), pseudonyms.name(match[1], surname=surname), "name"))
    for match in _PAIR.finditer(text):
        if match[1] in pseudonyms.known:
            found.append(Edit(*match.span(), pseudonyms.name(match.group()), "name"))
            for part, surname in ((match[1], False), (match[3], True)):
                found += [Edit(a, b, pseudonyms.name(part, surname=surname), "name") for a, b in occurrences(part, text)]
    return found


@lru_cache(maxsize=4096)
def guarded(text: str, seed: int) -> str:
    """The text with the stand-ins that the whole recipe of this seed uses: for what goes into prompts."""
    return apply(text, replaced(text, pseudonyms_of(seed)))


@lru_cache(maxsize=8)
def pseudonyms_of(seed: int, locale: str = "en_US") -> Pseudonyms:
    """The stand-ins of a recipe's seed, the same in every table, column and prompt."""
    return Pseudonyms(rng.key(seed, "stand_in"), locale)


class StandIn(Generator):
    """A text without its people: names, addresses of mail and web, and numbers of phone, card, account and identity.

    Each is replaced by a stand-in of the same form. The same person has the same stand-in in every row, column and table of a recipe (a function of the seed and the name), so
    references hold. Names are found by titles, by known first names, and surely in the columns that `people` lists. What a
    pattern cannot know stays: measure with the privacy report before sharing. Use the safe column in prompts:

    ```yaml
    safe:  {kind: stand_in, text: letter, people: [patient_name]}
    reply: {kind: prompt, prompt: "Answer this letter: {{ safe }}"}
    ```

    Attributes:
        text: a text column.
        people: columns that hold names which occur in the text.
        locale: whose names are known, and stand in.
    """

    kind: ClassVar[str] = "stand_in"

    text: str
    people: tuple[str, ...] = ()
    locale: str = "en_US"

    def needs(self) -> frozenset[str]:
        """The text and the name columns."""
        return frozenset({head(self.text), *map(head, self.people)})

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Texts [n]."""
        pseudonyms = pseudonyms_of(ctx.seed, self.locale)
        names: list[Sequence[str | None]] = [column(batch, path).to_pylist() for path in self.people]
        out = []
        for place, text in enumerate(texts(batch, self.text)):
            people = [str(cells[place]) for cells in names if cells[place]]
            out.append(None if text is None else apply(text, replaced(text, pseudonyms, people)))
        return pa.array(out, pa.string())
