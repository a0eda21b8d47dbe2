"""English inflection by rule, with tables of the irregular words."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

_VERBS = """arise arose arisen|awake awoke awoken|be was been|bear bore borne|beat beat beaten|become became become|begin began begun|bend bent bent|
bet bet bet|bind bound bound|bite bit bitten|bleed bled bled|blow blew blown|break broke broken|breed bred bred|bring brought brought|
build built built|burst burst burst|buy bought bought|catch caught caught|choose chose chosen|cling clung clung|come came come|cost cost cost|
creep crept crept|cut cut cut|deal dealt dealt|dig dug dug|do did done|draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten|
fall fell fallen|feed fed fed|feel felt felt|fight fought fought|find found found|flee fled fled|fling flung flung|fly flew flown|forbid forbade forbidden|
forget forgot forgotten|forgive forgave forgiven|freeze froze frozen|get got got|give gave given|go went gone|grind ground ground|grow grew grown|
hang hung hung|have had had|hear heard heard|hide hid hidden|hit hit hit|hold held held|hurt hurt hurt|keep kept kept|know knew known|lay laid laid|
lead led led|leave left left|lend lent lent|let let let|lie lay lain|light lit lit|lose lost lost|make made made|mean meant meant|meet met met|
mistake mistook mistaken|overcome overcame overcome|oversee oversaw overseen|pay paid paid|put put put|quit quit quit|read read read|ride rode ridden|
ring rang rung|rise rose risen|run ran run|say said said|see saw seen|seek sought sought|sell sold sold|send sent sent|set set set|shake shook shaken|
shed shed shed|shine shone shone|shoot shot shot|show showed shown|shrink shrank shrunk|shut shut shut|sing sang sung|sink sank sunk|sit sat sat|
sleep slept slept|slide slid slid|speak spoke spoken|spend spent spent|spin spun spun|split split split|spread spread spread|spring sprang sprung|
stand stood stood|steal stole stolen|stick stuck stuck|sting stung stung|strike struck struck|swear swore sworn|sweep swept swept|swell swelled swollen|
swim swam swum|swing swung swung|take took taken|teach taught taught|tear tore torn|tell told told|think thought thought|throw threw thrown|
understand understood understood|undertake undertook undertaken|undo undid undone|wake woke woken|wear wore worn|weave wove woven|weep wept wept|
win won won|wind wound wound|withdraw withdrew withdrawn|withstand withstood withstood|wring wrung wrung|write wrote written|overtake overtook overtaken|
foresee foresaw foreseen|rebuild rebuilt rebuilt|rewrite rewrote rewritten|mislead misled misled|uphold upheld upheld|outgrow outgrew outgrown"""
_NOUNS = """man men|woman women|child children|person people|foot feet|tooth teeth|goose geese|mouse mice|ox oxen|life lives|wife wives|knife knives|
leaf leaves|half halves|shelf shelves|thief thieves|loaf loaves|wolf wolves|calf calves|self selves|analysis analyses|basis bases|crisis crises|
thesis theses|hypothesis hypotheses|phenomenon phenomena|criterion criteria|datum data|medium media|index indices|appendix appendices|
potato potatoes|tomato tomatoes|hero heroes|echo echoes|veto vetoes|fish fish|sheep sheep|deer deer|series series|species species|aircraft aircraft"""
_DOUBLING = frozenset(
    "admit begin commit compel control defer equip forget occur omit patrol permit prefer refer regret submit transfer upset "
    "propel expel rebel excel".split()
)


def _table(text: str) -> MappingProxyType[str, tuple[str, ...]]:
    rows = (entry.split() for entry in text.replace("\n", "").split("|"))
    return MappingProxyType({row[0]: tuple(row[1:]) for row in rows})


VERBS = _table(_VERBS)
NOUNS = _table(_NOUNS)
UNCOUNTED = frozenset(
    "information advice news equipment furniture luggage music traffic weather money water air evidence knowledge research software "
    "hardware progress homework research work help happiness joy fun anger sadness rage health wealth luck noise trash garbage "
    "food clothing clothes".split()
)


def plural(noun: str) -> str:
    """The plural of a singular noun."""
    if noun in NOUNS:
        return NOUNS[noun][0]
    if noun in UNCOUNTED:
        return noun
    return _s(noun)


def third(verb: str) -> str:
    """The verb with he, she or it: runs, tries, passes."""
    return {"be": "is", "have": "has", "do": "does", "go": "goes"}.get(verb) or _s(verb)


def past(verb: str) -> str:
    """The simple past."""
    return VERBS[verb][0] if verb in VERBS else _ed(verb)


def participle(verb: str) -> str:
    """The past participle."""
    return VERBS[verb][1] if verb in VERBS else _ed(verb)


def gerund(verb: str) -> str:
    """The -ing form."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def comparative(adjective: str) -> str | None:
    """The -er form, None when it takes "more"."""
    return _graded(adjective, "er")


def superlative(adjective: str) -> str | None:
    """The -est form, None when it takes "most"."""
    return _graded(adjective, "est")


def forms(lemma: str, pos: str) -> dict[str, str]:
    """Form name -> the word in that form. `pos` is n, v, a or r."""
    if pos == "n":
        return {"n": lemma, "ns": plural(lemma)}
    if pos == "v":
        if lemma == "be":
            return {}
        return {"v": lemma, "vz": third(lemma), "vd": past(lemma), "vn": participle(lemma), "vg": gerund(lemma)}
    if pos == "a":
        graded = {"a": lemma, "ar": comparative(lemma), "at": superlative(lemma)}
        return {form: word for form, word in graded.items() if word}
    return {"r": lemma}


def _s(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def _ed(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def _doubled(word: str) -> str:
    """Stop -> stopp: one syllable ending in consonant, vowel, consonant, or stressed at its end."""
    if word in _DOUBLING or (_syllables(word) == 1 and _cvc(word)):
        return word + word[-1]
    return word


def _cvc(word: str) -> bool:
    return (
        len(word) > 2
        and word[-1] not in "aeiouwxy"
        and word[-2] in "aeiou"
        and (word[-3] not in "aeiou" or word[-3:-1] == "ui" and word[-4:-3] == "q")  # noqa: RUF021  # reads as said
    )


@cache
def _syllables(word: str) -> int:
    groups, vowel = 0, False
    for letter in word:
        now = letter in "aeiouy"
        groups += now and not vowel
        vowel = now
    return max(1, groups - (word.endswith("e") and not word.endswith("le") and groups > 1))


def _graded(adjective: str, ending: str) -> str | None:
    irregular = {"good": ("better", "best"), "bad": ("worse", "worst"), "far": ("farther", "farthest")}
    if adjective in irregular:
        return irregular[adjective][ending == "est"]
    short = _syllables(adjective) == 1 or (_syllables(adjective) == 2 and adjective.endswith("y"))
    if not short or adjective.endswith(("ed", "ing", "ful", "less", "ous")):
        return None
    if adjective.endswith("e"):
        return adjective + ending[1:]
    if adjective.endswith("y") and adjective[-2:-1] not in "aeiou":
        return adjective[:-1] + "i" + ending
    return _doubled(adjective) + ending
