"""What a language model leaves behind when it did not just write the record: refusals, boilerplate, markers, its prompt.

The list ages with the models; it is versioned, and a report says which version was used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lookalike.evaluate.text.words import words

VERSION = "2026-11"

PATTERNS: dict[str, re.Pattern[str]] = {
    "refusal": re.compile(
        r"\b(?:I(?:'m| am) (?:sorry|unable|not able|afraid)\b.{0,60}?\b(?:can(?:'t|not)|unable|not able|assist|help|provide|comply|fulfil)"
        r"|I (?:can(?:'t|not)|won't|must decline)(?: \w+){0,2} (?:assist|help|provide|comply|fulfil+|generate|create|write|share|engage|continue)"
        r"|(?:against|violates?) (?:my|our|the) (?:guidelines|policies|policy|programming|principles)"
        r"|(?:je suis désolée?, (?:mais )?je ne peux pas|es tut mir leid, (?:aber )?(?:ich kann|das kann)|lo siento, (?:pero )?no puedo))",
        re.IGNORECASE,
    ),
    "self-reference": re.compile(
        r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b|\bI(?:'m| am) (?:just )?an? (?:AI|language model|virtual assistant)\b"
        r"|\bmy (?:training data|knowledge cut-?off)\b",
        re.IGNORECASE,
    ),
    "boilerplate": re.compile(
        r"^\s*(?:sure|certainly|of course|absolutely|great question)[,!.:]+\s"
        r"|^\s*here(?:'s| is| are) (?:an?|the|your|some|\d+) [^\n]{0,80}:\s*(?:\n|$)"
        r"|\b(?:I hope this helps|let me know if you(?:'d| would)? (?:like|need|have)|feel free to (?:ask|reach out|modify))\b",
        re.IGNORECASE,
    ),
    "marker": re.compile(
        r"<\|?(?:im_start|im_end|endoftext|eot_id|start_header_id|assistant|user|system)\|?>|\[/?INST\]|<</?SYS>>|</?think(?:ing)?>|^\s*```"
        r"|^(?:### )?(?:Assistant|Instruction|Response):\s",
        re.MULTILINE,
    ),
    "placeholder": re.compile(
        r"\[(?:your|insert|name|company|date|address|phone|email|city|product|placeholder)\b[^\]\n]{0,40}\]|\{\{\s*\w+\s*\}\}|\blorem ipsum\b|\bTODO\b|\bXXX+\b",
        re.IGNORECASE,
    ),
}


def leftovers(texts: Sequence[str]) -> dict[str, list[int]]:
    """For each kind of leftover, the rows of the texts that have it; kinds that were not found are left out."""
    found = {kind: [i for i, text in enumerate(texts) if pattern.search(text)] for kind, pattern in PATTERNS.items()}
    return {kind: rows for kind, rows in found.items() if rows}


def prompt_leaks(texts: Sequence[str], prompts: Sequence[str], *, n: int = 8) -> list[int]:
    """Rows of the texts that repeat n words in a row of a prompt.

    Args:
        texts: what was generated.
        prompts: templates or system prompts; what stands in `{{ }}` is not part of them.
        n: words in a row that count as a leak.
    """
    plain = [re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " \x1e . ", prompt, flags=re.DOTALL) for prompt in prompts]
    pieces = [piece for prompt in plain for piece in prompt.split("\x1e")]
    known, _ = words(pieces).ngrams(n)
    grams, owner = words(texts).ngrams(n)
    return [int(i) for i in np.unique(owner[np.isin(grams, known)])]
