"""Orders that words carry: low < medium < high, sizes, weekdays, months, ranges such as 18-24."""

from __future__ import annotations

import re
from collections.abc import Sequence

SCALES: tuple[tuple[str, ...], ...] = (
    ("none", "very low", "low", "below average", "medium low", "medium", "average", "moderate", "medium high", "above average",
     "high", "very high", "extreme", "critical"),
    ("none", "minor", "mild", "moderate", "serious", "major", "severe", "critical", "fatal"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("tiny", "extra small", "small", "medium", "large", "extra large", "huge"),
    ("mini", "compact", "midsize", "large"),
    ("terrible", "very poor", "poor", "fair", "average", "acceptable", "okay", "good", "very good", "great", "excellent",
     "premium", "ideal", "outstanding", "perfect"),
    ("strongly disagree", "disagree", "somewhat disagree", "neutral", "undecided", "somewhat agree", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("never", "almost never", "rarely", "seldom", "occasionally", "sometimes", "often", "usually", "frequently", "almost always",
     "always"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"),
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ("less than high school", "high school", "some college", "junior college", "college", "bachelor", "graduate", "postgraduate"),
    ("preschool", "kindergarten", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "hs-grad", "high school",
     "some-college", "some college", "assoc-voc", "assoc-acdm", "associate", "college", "bachelors", "bachelor", "masters",
     "master", "prof-school", "doctorate", "phd"),
    ("primary", "secondary", "tertiary"),
    ("junior", "mid", "middle", "senior", "lead", "principal"),
    ("intern", "junior", "associate", "mid", "senior", "staff", "principal", "director"),
    ("beginner", "novice", "intermediate", "advanced", "expert"),
    ("child", "teenager", "teen", "young adult", "adult", "middle aged", "senior", "elderly"),
    ("i3", "i2", "i1", "si2", "si1", "vs2", "vs1", "vvs2", "vvs1", "if", "fl"),
    ("bronze", "silver", "gold", "platinum", "diamond"),
    ("basic", "standard", "plus", "premium", "enterprise"),
    ("free", "basic", "standard", "pro", "premium", "enterprise"),
    ("first", "second", "third", "fourth", "fifth"),
    ("first", "business", "premium economy", "economy"),
    ("cold", "cool", "mild", "warm", "hot"),
    ("slow", "normal", "fast"),
    ("low", "med", "high"),
    ("debug", "info", "notice", "warning", "error", "critical", "fatal"),
    ("trace", "debug", "info", "warn", "error", "fatal"),
    ("i", "ii", "iii", "iv", "v", "vi", "vii"),
    ("unacc", "acc", "good", "vgood"),
    ("small", "med", "big"),
    ("morning", "noon", "afternoon", "evening", "night"),
    ("spring", "summer", "autumn", "winter"),
    ("spring", "summer", "fall", "winter"),
)  # fmt: skip
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
RANGE = re.compile(
    r"(?:under|below|less than|up to|<=?|≤|over|above|more than|>=?|≥)?\s*[$€£]?\s*\d[\d.,]*\s*k?\s*"
    r"(?:(?:-|–|to|\.\.)\s*[$€£]?\s*\d[\d.,]*\s*k?|\+|or more|and over|or older)?\s*(?:years?|yrs?|months?|days?|%|old)*",
    re.IGNORECASE,
)


def order_of(values: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The values in their natural order, lowest first, and which order that is; ((), "") when they have none.

    Args:
        values: the distinct texts of a column.
    """
    if not 3 <= len(values) <= 60:
        return (), ""
    plain = {re.sub(r"[\s_]+", " ", value.strip().lower()): value for value in values}
    if len(plain) == len(values):
        for scale in SCALES:
            place = {word: i for i, word in enumerate(scale)}
            if all(word in place or word.replace("-", " ") in place for word in plain):
                ranked = sorted(plain, key=lambda word: place.get(word, place.get(word.replace("-", " "), 0)))
                return tuple(plain[word] for word in ranked), f"a scale from {ranked[0]} to {ranked[-1]}"
    ranges = [
        value for value in values if re.search(r"[-–<>≤≥+]|\d\s*to\s*\d|under|over|less|more|above|below", value, re.IGNORECASE)
    ]
    if len(ranges) * 2 >= len(values) and all(RANGE.fullmatch(value.strip()) for value in values):
        ranked = sorted(values, key=_low)
        return tuple(ranked), f"ranges of numbers from {ranked[0]} to {ranked[-1]}"
    return (), ""


def _low(value: str) -> tuple[float, float]:
    numbers = [float(text.replace(",", "")) for text in NUMBER.findall(value)]
    low = numbers[0] if numbers else 0.0
    if re.match(r"\s*(under|below|less|up to|<|≤)", value, re.IGNORECASE):
        return low - 1e-9, 0.0
    if re.match(r"\s*(over|above|more|>|≥)", value, re.IGNORECASE):
        return low + 1e-9, 1.0
    return low, numbers[-1] if numbers else 0.0
