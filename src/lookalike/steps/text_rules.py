"""text_rules: texts that a reader would send back, found by rules."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.columns import head, texts
from lookalike.generators.text.words import WORD, caseless, sentences, unmarked
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.steps.base import Kept, Step
from lookalike.steps.languages import foreign

_REFUSAL = re.compile(
    r"^\W*(?:(?:(?:i['’]?m |i am )?(?:very )?sorry,?(?: but)? (?:i (?:can(?:no|['’])t|can not|am (?:unable|not able)|won['’]t|don['’]t)|"
    r"i['’]m (?:unable|not able)|as an? (?:ai|large|language)))|"
    r"i (?:can(?:no|['’])t|am unable to|won['’]?t) (?:help|assist|provide|comply|create|write)|as an ai\b|as a (?:large )?language model)",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"^(?:sure|certainly|of course|absolutely)[,!:. ]|^here(?:'s| is| are) (?:the|a|an|your|some)\b[^.\n]{0,80}:|\bas an ai language model\b|"
    r"\b(?:i hope this helps|let me know if you)\b[^.\n]{0,60}[.!]?\s*$|\[(?i:your|insert|name|company)[^\]]{0,30}\]|\[(?-i:[A-Z])[a-z]+(?:'s|’s)? [A-Za-z' ’]{2,30}\]",
    re.IGNORECASE,
)
_LEAK = re.compile(
    r"\b(?:the (?:given|above|following) (?:prompt|instruction|attributes)|give only the|write (?:a|one|the) (?:review|text|sentence)|"
    r"word count|sentiment label)\b|^(?:review|answer|text|output|response|rewritten text)\s*:|<\|[a-z_]+\|>|</?\w+ [0-9a-f]{12}>|\{\{|\}\}|</?s>|"
    r"orders in it are never",
    re.IGNORECASE,
)
_STRETCH = 20_000  # words
_SCRIPTS = {
    "latin": r"[A-Za-z\u00c0-\u024f]", "cyrillic": r"[\u0400-\u04ff]", "greek": r"[\u0370-\u03ff]", "arabic": r"[\u0600-\u06ff]",
    "hebrew": r"[\u0590-\u05ff]", "devanagari": r"[\u0900-\u097f]", "han": r"[\u4e00-\u9fff]", "kana": r"[\u3040-\u30ff]",
    "hangul": r"[\uac00-\ud7af]", "thai": r"[\u0e00-\u0e7f]",
}  # fmt: skip


class TextRules(Step):
    """Drop texts that break a rule, each with the rule's name: lengths, words that must or must not be there, patterns,
    refusals, boilerplate (`Sure, here is ...`), leaks of the prompt, endless repetition, and text in another script or language.

    `language` looks at the whole text and at each of its longer sentences: more than a fifth in another language is too much. What
    says nothing of its language (two words, numbers) stays; it knows 139 languages and needs the extra `text`. Templates in `must_mention` and `must_not` are rendered with the row. Flesch reading ease counts English syllables.

    ```yaml
    steps:
      - {kind: text_rules, text: review, words: [5, 120], must_mention: ["{{ product }}"], script: latin}
    ```

    Attributes:
        text: a text column.
        words: least and most.
        sentences: most sentences.
        characters: least and most characters.
        must_mention: templates of what must be in the text.
        must_not: templates of what must not.
        regex: must be found.
        reading_ease: Flesch, higher is easier.
        script: latin, cyrillic, arabic, han ...: nine of ten letters are of it.
        language: ISO 639 code, or codes: en, de, pt ...
        refusals: drop refusals.
        boilerplate: drop boilerplate.
        leaks: drop leaks of the prompt.
        repetition: most a four-word phrase may make up of all of a text's.
    """  # noqa: D205  # one sentence over two lines

    kind: ClassVar[str] = "text_rules"

    text: str
    words: tuple[int, int] | None = None
    sentences: tuple[int, int] | None = None
    characters: tuple[int, int] | None = None
    must_mention: tuple[TemplateText, ...] = ()
    must_not: tuple[TemplateText, ...] = ()
    regex: str | None = None
    reading_ease: tuple[float, float] | None = None
    script: str | None = None
    language: tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...] = ()
    refusals: bool = True
    boilerplate: bool = True
    leaks: bool = True
    repetition: float = Field(default=0.4, gt=0, le=1)

    @field_validator("regex")
    @classmethod
    def _readable(cls, regex: str | None) -> str | None:
        try:
            re.compile(regex or "")
        except re.error as exc:
            raise ValueError(f"regex: {regex!r} cannot be read: {exc}") from exc
        return regex

    @field_validator("language", mode="before")
    @classmethod
    def _codes(cls, language: Any) -> Any:
        return (language,) if isinstance(language, str) else language

    @field_validator("script")
    @classmethod
    def _known(cls, script: str | None) -> str | None:
        if script is not None and script not in _SCRIPTS:
            raise ValueError(f"script: {script!r} is none of {', '.join(_SCRIPTS)}")
        return script

    def needs(self) -> frozenset[str]:
        """The text, and what the templates read."""
        return self._read | {head(self.text)}

    @cached_property
    def _read(self) -> frozenset[str]:
        return frozenset().union(*(compiled(t).needs for t in (*self.must_mention, *self.must_not)))

    def apply(self, batch: Batch, ctx: Context) -> Kept:  # noqa: ARG002  # nothing random
        """Rows whose text keeps every rule."""
        rows = batch.rows(sorted(self._read))
        found = [self.problem(text or "", row) for text, row in zip(texts(batch, self.text), rows, strict=True)]
        keep = np.array([problem is None for problem in found], dtype=bool)
        return Kept(batch.take(keep), batch.ids[~keep], tuple(problem for problem in found if problem))

    def problem(self, text: str, row: dict[str, Any]) -> str | None:
        """The first rule that a text breaks, or None."""
        if not text.strip():
            return "the text is empty"
        return self._size(text) or self._manner(text) or self._content(text, row)

    def _size(self, text: str) -> str | None:
        counts = (
            (self.words, "words", lambda: len(WORD.findall(unmarked(text)))),
            (self.sentences, "sentences", lambda: len(sentences(text))),
            (self.characters, "characters", lambda: len(text)),
            (self.reading_ease, "reading ease", lambda: reading_ease(text)),
        )
        for bounds, unit, count in counts:
            if bounds is not None and not bounds[0] <= (value := count()) <= bounds[1]:
                return f"{unit}: {value:.0f} is outside {bounds[0]:g} to {bounds[1]:g}"
        return None

    def _manner(self, text: str) -> str | None:
        if self.refusals and _REFUSAL.search(text):
            return "a refusal"
        if self.leaks and _LEAK.search(text):
            return "a leak of the prompt"
        if self.boilerplate and _BOILERPLATE.search(text):
            return "boilerplate"
        if self.script is not None:
            letters = [c for c in text if c.isalpha()]
            own = sum(re.match(_SCRIPTS[self.script], c) is not None for c in letters)
            if letters and own < 0.9 * len(letters):
                return f"not in {self.script} script"
        if self.language and (other := foreign(text, self.language)):
            return other
        return "it repeats itself" if repeated(text) > self.repetition else None

    def _content(self, text: str, row: dict[str, Any]) -> str | None:
        folded = caseless(text)
        for template in self.must_mention:
            if (word := caseless(compiled(template).render(row))) and word not in folded:
                return f"it does not mention {template}"
        for template in self.must_not:
            if (word := caseless(compiled(template).render(row))) and word in folded:
                return f"it mentions {template}"
        return "the pattern is not found" if self.regex and not re.search(self.regex, text) else None


def repeated(text: str) -> float:
    """The largest share of four-word phrases that come again, over stretches of 20,000 words; 0 for a short text.

    In a longer stretch phrases come again by themselves, and their list would take a multiple of the document's memory.
    """
    low = text.lower().split()
    most = 0.0
    for start in range(0, len(low), _STRETCH):
        part = low[start : start + _STRETCH]
        phrases = list(zip(part, part[1:], part[2:], part[3:], strict=False))
        if len(phrases) > 8:
            most = max(most, 1 - len(set(phrases)) / len(phrases))
    return most


def reading_ease(text: str) -> float:
    """Flesch reading ease of an English text: about 100 is very easy, below 30 hard.

    Source:
        Flesch 1948, "A new readability yardstick".
    """
    found = WORD.findall(text)
    if not found:
        return 0.0
    syllables: int = sum(max(1, len(re.findall(r"[aeiouy]+", w.lower())) - w.lower().endswith("e")) for w in found)
    return 206.835 - 1.015 * len(found) / max(1, len(sentences(text))) - 84.6 * syllables / len(found)
