"""synonym: words replaced by words of the same meaning, in the same form."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pydantic import Field

from lookalike.generators.text.edits import Edit, Guard, Span
from lookalike.generators.text.operators.base import TextOperator
from lookalike.generators.text.thesaurus import CLASS_OF, START, load
from lookalike.generators.text.words import ABBREVIATIONS, WORD, like_case, starts_with_vowel_sound


class Synonym(TextOperator):
    """Replace words by synonyms: part of speech from the word before, dominant senses only, inflection and case kept.

    `thesaurus` is `builtin` (English, works everywhere), `wordnet`, or the path of a WordNet folder, a MyThes `.dat` or a CSV
    file (word, pos, synonyms). `a` and `an` before a replaced word are put right. Names inside sentences are left alone.

    Attributes:
        rate: share of the words with a safe synonym.
        most: edits a text, drawn from all over it.
        thesaurus: `builtin`, `wordnet`, or a path.
    """

    kind = "synonym"

    rate: float = Field(default=0.3, ge=0, le=1)
    most: int = Field(default=100, ge=1)
    thesaurus: str = "builtin"

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:
        """Two look-ups a word: its row in the compiled table, and the entry for the word before it."""
        thesaurus = load(self.thesaurus)
        table, rate, random = thesaurus.table, self.rate, draw.random
        guard = Guard(protected)
        out: list[Edit] = []
        before, before_at, ended, last = START, (0, 0), 0, ""
        for match in WORD.finditer(text):
            word = match.group()
            low = word.lower()
            row = table.get(low)
            start, end = match.span()
            gap = text[ended:start]
            if gap != " " and (not ended or not gap.isspace()):
                before = START if not ended or (any(mark in gap for mark in ".!?:\n") and last not in ABBREVIATIONS) else 0
            if row is not None:
                options = row[before]
                if (
                    options is not None
                    and random() < rate
                    and (before == START or low == word)
                    and not guard.touches(start, end)
                    and not (low in thesaurus.nouns and _names_on(text, end, thesaurus.nouns))
                ):
                    u = random()
                    new = like_case(options[int(u * u * len(options))], word)
                    edit = _with_article(text, before_at, Edit(start, end, new, "synonym"), guard)
                    if edit is not None:
                        out.append(edit)
            before, before_at, ended, last = CLASS_OF.get(low, 0), (start, end), end, low
        if len(out) > self.most:  # spread over the whole text
            out = [out[i] for i in sorted(draw.sample(range(len(out)), self.most))]
        return out


def _names_on(text: str, end: int, nouns: frozenset[str]) -> bool:
    """Whether a known noun follows directly: "office" in "office chair" is half a name."""
    follows = WORD.match(text, end + 1) if text[end : end + 1] in " -" else None
    return follows is not None and follows.group() in nouns


def _with_article(text: str, before: Span, edit: Edit, guard: Guard) -> Edit | None:
    """The edit, with a or an put right before it; None when the article is protected and would be wrong."""
    article = text[before[0] : before[1]]
    if article not in ("a", "an", "A", "An") or before[1] + 1 != edit.start:
        return edit
    right = article[0] + ("n" if starts_with_vowel_sound(edit.text) else "")
    if right == article:
        return edit
    if guard.touches(before[0], before[1]):
        return None
    return Edit(before[0], edit.end, f"{right} {edit.text}", "synonym")
