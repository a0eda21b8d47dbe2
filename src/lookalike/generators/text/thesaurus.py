"""Thesauri, compiled: surface form and the class of the word before it -> synonyms in the same form.

Everything slow happens once: senses are ranked, rare and one-way synonyms dropped, every inflected form listed. What is left
at run time is two look-ups a word.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from lookalike.errors import SourceError
from lookalike.generators.text import inflection
from lookalike.generators.text.words import BE, CONJUNCTIONS, DETERMINERS, DO, HAVE, MODALS, PREPOSITIONS
from lookalike.sources.encodings import text_of

Options = tuple[str, ...]
CLASSES = "OSDTMPBHIRC"  # other, start, determiner, to, modal or do, pronoun, be, have, preposition, degree word, conjunction
_DEGREE = frozenset("very so too really quite rather extremely more most less least pretty incredibly absolutely".split())
# which forms a word of a class calls for, and which it rules out; the rest is undecided
_CALLS = {
    "D": {"n", "ns", "a", "ar", "at"}, "T": {"v"}, "M": {"v"}, "P": {"vd", "vz", "v", "r"}, "B": {"vn", "vg", "a", "ar", "r"},
    "H": {"vn"}, "I": {"n", "ns", "vg"}, "R": {"a", "r"}, "C": set(), "O": set(), "S": set(),
}  # fmt: skip
_RULES_OUT = {
    "D": {"v", "vz", "vd", "r"}, "T": {"n", "ns", "a", "vz", "vd", "vn", "ar", "at"}, "M": {"n", "ns", "a", "vz", "vd", "vn", "vg"},
    "P": {"n", "ns", "a", "ar", "at"}, "B": {"v", "vz", "vd", "n", "ns"}, "H": {"v", "vz", "vd"}, "I": {"v", "vz", "vd", "r"},
    "R": {"n", "ns", "v", "vz", "vd", "vg"}, "C": set(), "O": set(), "S": {"v", "vd", "vz", "vn", "n"},
}  # fmt: skip


_TWOFOLD = frozenset(
    "answer aim shop fix trust deal need help trip request smell pay address gift film store picture image present like close last "
    "clean complete dry slow fast hard kind clear empty open own place part form shape start end change cut drop fall run walk talk "
    "cause result finish cost charge show use test check copy fight attack damage harm love hate fear light wound cure remedy fault "
    "book plan view power order point back fit well wet cool warm calm equal secure rough smooth even right exact patient content "
    "bite rest lead stuff dish fresh idle rare tight sharp poor cold sick final general official safe novel minute subject moist "
    "direct clip poll survey pace wage rule limit class range sort type way long short high low fine mean pretty keen cautious "
    "reward rock guard guarantee approach estimate excellent demand purchase delay trouble battle contest pledge".split()
)


def _classes() -> dict[str, int]:
    table = {"to": "T"}
    groups = (
        ("I", PREPOSITIONS),
        ("C", CONJUNCTIONS),
        ("D", DETERMINERS),
        ("M", MODALS | DO),
        ("B", BE),
        ("H", HAVE),
        ("R", _DEGREE),
    )
    for letter, members in groups:
        table.update(dict.fromkeys(members, letter))
    table.update(dict.fromkeys(("i", "you", "he", "she", "it", "we", "they", "who"), "P"))
    table["to"] = "T"
    table["not"] = "R"
    return {word: CLASSES.index(letter) for word, letter in table.items()}


CLASS_OF = _classes()
START = CLASSES.index("S")


@dataclass(frozen=True)
class Thesaurus:
    """Compiled synonyms.

    Attributes:
        table: lower-case surface form -> one entry for each of `CLASSES`: synonyms in the same form, or None.
        nouns: singular nouns it knows: a noun before another noun is part of a name and left alone.
        lemmas: how many words have synonyms.
    """

    table: dict[str, tuple[Options | None, ...]] = field(repr=False)
    nouns: frozenset[str] = field(repr=False)
    lemmas: int = 0


def compile_table(
    groups: dict[tuple[str, str], Options], nouns: frozenset[str] = frozenset(), unsure: frozenset[str] = frozenset()
) -> Thesaurus:
    """The run-time table of (lemma, part of speech) -> synonyms, best first.

    Args:
        groups: parts of speech are n, v, a, r, or "" for words used exactly as they are.
        nouns: further nouns, known without synonyms.
        unsure: lemmas that are common in several parts of speech; they need the word before to say which.
    """
    twofold: set[str] = set()
    surfaces: dict[str, dict[str, Options]] = defaultdict(dict)
    for (lemma, pos), synonyms in groups.items():
        if lemma in CLASS_OF and lemma != "like":
            continue
        own = inflection.forms(lemma, pos) if pos else {"": lemma}
        others = [inflection.forms(word, pos) if pos else {"": word} for word in synonyms]
        for form, surface in own.items():
            options = tuple(dict.fromkeys(word[form] for word in others if form in word and word[form] != surface))
            if options:
                surfaces[surface].setdefault(form, options)
                if lemma in unsure:
                    twofold.add(surface)
    rows = ((surface, _row(by_form, surface in twofold)) for surface, by_form in surfaces.items())
    table = {surface: row for surface, row in rows if any(row)}
    return Thesaurus(table, nouns | {lemma for lemma, pos in groups if pos == "n"}, len(groups))


def _row(by_form: dict[str, Options], unsure: bool) -> tuple[Options | None, ...]:
    """For every class of the word before: the synonyms of the one form that fits, None when unsure."""
    return tuple(_fitting(by_form, letter, unsure) for letter in CLASSES)


def _fitting(by_form: dict[str, Options], letter: str, unsure: bool) -> Options | None:
    called = [form for form in by_form if form in _CALLS[letter] or not form]
    if len(called) == 1:
        return by_form[called[0]]
    left = [form for form in by_form if form not in _RULES_OUT[letter]]
    # a bare verb form is a noun as often as not, so it needs a call; so do words of several parts of speech
    if called or unsure or not left or "v" in left or "vz" in left:
        return None
    if len(left) == 1:
        return by_form[left[0]]
    return by_form["vd"] if set(left) == {"vd", "vn"} else None


@lru_cache(maxsize=8)
def load(name: str) -> Thesaurus:
    """A compiled thesaurus, by name or path.

    Args:
        name: `builtin`; `wordnet` (the folder in LOOKALIKE_WORDNET, or Debian's); or the path of a WordNet folder, a MyThes
            `.dat` file, or a CSV file with the columns word, pos (n, v, a, r or empty), synonyms (separated by `;`).

    Raises:
        SourceError: missing, or not of a format that is known.
    """
    if name == "builtin":
        return compile_table(dict(_builtin()), unsure=_TWOFOLD)
    folder = os.environ.get("LOOKALIKE_WORDNET", "/usr/share/wordnet")
    path = Path(folder) if name == "wordnet" else Path(name)
    found = _read(path)
    if not found.table:
        raise SourceError(what="no word in it has a synonym", where=str(path), fix="give another thesaurus, or `builtin`")
    return found


def _read(path: Path) -> Thesaurus:
    try:
        if path.is_dir() and (path / "data.noun").is_file():
            return _wordnet(path)
        if path.suffix == ".dat" and path.is_file():
            return compile_table(_mutual(_mythes(path)))
        if path.suffix == ".csv" and path.is_file():
            return compile_table(_csv(path))
    except (OSError, ValueError, LookupError, csv.Error) as exc:
        raise SourceError(
            what=f"the thesaurus cannot be read: {exc}", where=str(path), fix="check that all its files are there and whole"
        ) from exc
    raise SourceError(
        what=f"no thesaurus at {str(path)!r}",
        fix="use `builtin`, install Debian's wordnet-base, or give a WordNet folder, a MyThes .dat or a CSV file",
    )


def _builtin() -> Iterator[tuple[tuple[str, str], Options]]:
    found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for line in files("lookalike.generators.text").joinpath("data/thesaurus.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            pos, _, members = line.partition(":")
            group = [word.strip() for word in members.split("|")]
            singles = [word for word in group if " " not in word]
            if len(singles) > 1 and " " not in group[0]:
                found[singles[0], pos.strip()].update(dict.fromkeys(singles[1:]))
    return ((key, tuple(words)) for key, words in found.items())


def _csv(path: Path) -> dict[tuple[str, str], Options]:
    groups: dict[tuple[str, str], Options] = {}
    reader = csv.DictReader(io.StringIO(text_of(path.read_bytes(), str(path)), newline=""))
    if not {"word", "synonyms"} <= set(reader.fieldnames or ()):
        raise SourceError(what="a thesaurus needs the columns word, pos, synonyms", where=str(path), fix="rename its columns")
    for row in reader:
        words = tuple(word.strip() for word in (row["synonyms"] or "").split(";") if word.strip())
        pos = (row.get("pos") or "").strip()
        if pos not in ("n", "v", "a", "r", ""):
            raise SourceError(
                what=f"part of speech {pos!r} is not n, v, a, r or empty", where=f"{path}:{reader.line_num}", fix="change it"
            )
        if row["word"] and words:
            groups[row["word"].strip().lower(), pos] = words
    return groups


def _mythes(path: Path) -> dict[tuple[str, str], Options]:
    """First meaning of each part of speech; items with a remark (generic term, antonym) are no synonyms."""
    groups: dict[tuple[str, str], Options] = {}
    letters = {"(noun)": "n", "(verb)": "v", "(adj)": "a", "(adv)": "r"}
    data = path.read_bytes()
    encoding = data.split(b"\n", 1)[0].decode("ascii").strip()  # the format's first line names it
    lines = text_of(data, str(path), encoding).splitlines()
    at = 1
    while at < len(lines):
        word, _, count = lines[at].rpartition("|")
        meanings = int(count) if count.isdigit() else 0
        for line in lines[at + 1 : at + 1 + meanings]:
            tag, *items = line.split("|")
            plain = tuple(item for item in items if item.isalpha() and item.islower() and item != word)
            if tag in letters and plain and word.isalpha() and word.islower():
                groups.setdefault((word, letters[tag]), plain)
        at += 1 + meanings
    return groups


def _mutual(groups: dict[tuple[str, str], Options]) -> dict[tuple[str, str], Options]:
    """Only synonyms that name each other: the cheapest cure against far-fetched senses."""
    kept = {}
    for (word, pos), options in groups.items():
        both = tuple(other for other in options if word in groups.get((other, pos), ()))
        if both:
            kept[word, pos] = both
    return kept


def _wordnet(folder: Path) -> Thesaurus:
    """WordNet 3.x data files. A synonym counts when the shared synset is the dominant sense of both words."""
    counts = _sense_counts(folder)
    groups: dict[tuple[str, str], Options] = {}
    nouns: set[str] = set()
    parts: dict[str, set[str]] = defaultdict(set)
    for name, pos in (("noun", "n"), ("verb", "v"), ("adj", "a"), ("adv", "r")):
        synsets = _synsets(folder / f"data.{name}")
        first = {}
        for line in (folder / f"index.{name}").read_text("latin-1").splitlines():
            if line.startswith(" "):
                continue
            fields = line.split()
            senses = int(fields[2])
            first[fields[0]] = (fields[-senses], _dominant(counts.get((fields[0], pos), {}), senses))
        for word in first:
            if word.isalpha() and (sum(counts.get((word, pos), {}).values()) > 0 or pos == "v"):
                parts[word].add(pos)
        if pos == "n":
            nouns.update(word for word in first if word.isalpha() and counts.get((word, pos)))
        for lemma, (synset, dominant) in first.items():
            if dominant and lemma.isalpha():
                own = sum(counts.get((lemma, pos), {}).values())
                options = [
                    (-sum(counts.get((word, pos), {}).values()), word)
                    for word in synsets[synset]
                    if word != lemma and first.get(word, ("", False)) == (synset, True)
                ]
                good = tuple(word for weight, word in sorted(options) if weight < 0 or own == 0)
                if good:
                    groups[lemma, pos] = good
    return compile_table(groups, frozenset(nouns), frozenset(word for word, found in parts.items() if len(found) > 1))


def _dominant(counts: dict[int, int], senses: int) -> bool:
    total = sum(counts.values())
    return senses == 1 or (total >= 2 and counts.get(1, 0) >= 0.6 * total)


def _sense_counts(folder: Path) -> dict[tuple[str, str], dict[int, int]]:
    found: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    path = folder / "cntlist.rev"
    if path.is_file():
        letters = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
        for line in path.read_text("latin-1").splitlines():
            key, number, count = line.split()
            lemma, _, rest = key.partition("%")
            found[lemma, letters[rest[0]]][int(number)] = int(count)
    return found


def _synsets(path: Path) -> dict[str, list[str]]:
    found = {}
    for line in path.read_text("latin-1").splitlines():
        if not line.startswith("  "):
            head = line.split(" | ", 1)[0].split()
            members = [re.sub(r"\(.*", "", word) for word in head[4 : 4 + 2 * int(head[3], 16) : 2]]
            found[head[0]] = [word for word in members if word.isalpha() and word.islower()]
    return found
