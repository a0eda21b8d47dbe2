"""Words, sentences and the closed word classes of English, as small as the operators need them."""

from __future__ import annotations

import re
import unicodedata

from lookalike.generators.text.edits import Span

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,:]\d+)*|[^\w\s]|_")
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc e.g i.e inc ltd co corp no fig approx dept est min max a.m p.m u.s u.k".split()
)
_END = re.compile(r"[.!?…。！？؟۔।]+[\"'”’)\]]*(?=\s|$)|[。！？]|\n\s*\n")

DETERMINERS = frozenset(
    "a an the this that these those my your his her its our their each every some any no another both all".split()
)
SUBJECTS = frozenset("i you he she it we they".split())
MODALS = frozenset("can could will would shall should may might must".split())
BE = frozenset("am is are was were be been being".split())
HAVE = frozenset("have has had having".split())
DO = frozenset("do does did".split())
PREPOSITIONS = frozenset(
    "of in on at by for with from to into onto over under about after before between during through without within against "
    "among across behind beyond near toward towards upon than as like off per via".split()
)
CONJUNCTIONS = frozenset("and or but nor so yet because although though while when if unless until since whereas".split())
OPENERS = (
    DETERMINERS
    | SUBJECTS
    | frozenset("there here one nobody everyone someone everything nothing most many few several".split())
)
REFERRING = frozenset(
    "he she it they this that these those his her its their him them such there then however therefore moreover thus hence "
    "also but and or so yet because still instead otherwise meanwhile afterwards later finally second third next both".split()
)


class _Unmarked(dict[int, int | None]):
    """A table for `str.translate` that takes combining marks out, filled as characters are met."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code)).startswith("M") else code
        self[code] = kept
        return kept


_UNMARKED = _Unmarked()


def unmarked(text: str) -> str:
    """The text without combining marks, so that a word of Hindi, Thai or vowelled Arabic is one run of letters; for counting."""
    return text if text.isascii() else text.translate(_UNMARKED)


def caseless(text: str) -> str:
    """The text for comparing: letter case folded, letters with marks in their composed form."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def words(text: str) -> list[tuple[int, int, str]]:
    """(start, end, word) of every word; letters of any script with inner apostrophes."""
    return [(m.start(), m.end(), m.group()) for m in WORD.finditer(text)]


def sentences(text: str) -> list[Span]:
    """Spans of the sentences, without the space between them.

    A full stop after an abbreviation, an initial or inside a number ends nothing; an empty line always ends one.
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match.group().startswith(".") and _abbreviated(text, start, match.start()):
            continue
        if match.group().startswith("\n"):
            end = match.start()
        _add(text, start, end, spans)
        start = match.end()
    _add(text, start, len(text), spans)
    return spans


def _abbreviated(text: str, start: int, dot: int) -> bool:
    word = text[max(start, dot - 12) : dot].split()
    last = word[-1].lower().lstrip("(\"'") if word else ""
    return last in ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last != "i")


def _add(text: str, start: int, end: int, spans: list[Span]) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))


def like_case(word: str, model: str) -> str:
    """The word in the letter case of a model word: lower, Capitalised or UPPER."""
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def starts_with_vowel_sound(word: str) -> bool:
    """Whether "an" goes before it; by spelling, with the usual exceptions."""
    low = word.lower()
    if low.startswith(("hour", "honest", "honor", "honour", "heir")):
        return True
    if low.startswith(("uni", "use", "usu", "uti", "eu", "one", "once", "ur", "ubiq")) and not low.startswith(
        ("unin", "unim", "unid", "urg", "urb", "urn")
    ):
        return False
    return low[:1] in "aeiou"
