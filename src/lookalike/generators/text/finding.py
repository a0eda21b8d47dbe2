"""Finding what a model quotes: the span of a document that a quotation means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lookalike.generators.text.edits import Span, cuts
from lookalike.generators.text.words import DETERMINERS, sentences

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})
_MARKED = re.compile(r".[\u0300-\u036f\u0591-\u05bd\u064b-\u065f]*", re.DOTALL)  # a letter with its marks
_UNITS = "%|percent|degrees|years?|months?|weeks?|days?|hours?|minutes?|km|kg|mg|ml|million|billion"
_SHARP = re.compile(
    rf"[$€£]\s?\d[\d,.]*(?<=\d)(?:\s?(?:{_UNITS})\b)?|\d(?:[\d,.:/]*\d)?(?:\s?(?:{_UNITS})\b)?"
    r"|[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)+|(?<=[a-z,] )[A-Z][\w'’-]+(?: (?:of |the )?[A-Z][\w'’-]+)*"
)
_PHRASE = re.compile(
    r"(?:the|an?|his|her|their|its) (?:[a-z]+ ){0,2}?[a-z]{4,}(?=[.,;:!?]| (?:and|or|in|on|at|of|for|with|to|by)\b)"
)


def find_quote(quote: str, document: str) -> Span | None:
    """The first span of the document that reads as the quotation, up to case, spacing and kinds of quotation marks.

    The span is in code points of the document as it is, so `document[start:end]` is what stands there.
    """
    at = document.find(quote)
    if quote and at >= 0:
        return _unbroken(at, at + len(quote), document)
    words = _plain(quote).strip(" .,;:!?\"'").split()
    if not words:
        return None
    folded, origin = _folded(document)
    match = re.search(r"\s+".join(map(re.escape, words)), folded)
    if not match:
        return None
    return _unbroken(origin[match.start()][0], origin[match.end() - 1][1], document)


def _unbroken(start: int, end: int, document: str) -> Span:
    """The span, made wider where it would cut a visible character."""
    while cuts(document, start):
        start -= 1
    while cuts(document, end):
        end += 1
    return start, end


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(_QUOTES).casefold()


def _folded(document: str) -> tuple[str, list[Span]]:
    """The document folded for comparison, and for each folded character the span that it comes from, marks included."""
    out: list[str] = []
    origin: list[Span] = []
    for match in _MARKED.finditer(document):
        for piece in _plain(match.group()):
            out.append(piece)
            origin.append(match.span())
    return "".join(out), origin


def occurrences(piece: str, text: str) -> list[Span]:
    """Every place of a piece in a text where it stands as a whole word."""
    edge_before = r"(?<!\w)" if piece[:1].isalnum() else ""
    edge_after = r"(?!\w)" if piece[-1:].isalnum() else ""
    return [m.span() for m in re.finditer(f"{edge_before}{re.escape(piece)}{edge_after}", text)]


def answer_spans(document: str) -> list[Span]:
    """Spans that make good short answers: amounts, dates and names; noun phrases with an article where there are none."""
    sharp = [m.span() for m in _SHARP.finditer(document)]
    found = sharp or [m.span() for m in _PHRASE.finditer(document)]
    return [(a, b) for a, b in found if document[a:b].split(maxsplit=1)[0].lower() not in DETERMINERS or not sharp]


def answer_candidates(document: str) -> Sequence[Span]:
    """`answer_spans`, or whole sentences where there are none."""
    return answer_spans(document) or sentences(document)
