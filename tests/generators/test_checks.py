"""What a model is told about a rule that its text does not hold: an order that it can follow."""

import pytest
from pydantic import ValidationError

from lookalike.generators.checks import Check
from lookalike.models.base import Reply


def told(check, text, answer="no", **row):
    """The sentence, or None."""
    talk = Check.model_validate(check).problem(text, row, "m")
    try:
        next(talk)
        talk.send(Reply(answer))
    except StopIteration as done:
        return done.value
    raise AssertionError("asked twice")


@pytest.mark.parametrize(
    ("check", "text", "order"),
    [
        ({"words": {"min": 5, "max": 9}}, "Good", "write more: it has 1 word, and at least 5 are asked for"),
        ({"words": {"max": 2}}, "not so very good", "write less: it has 4 words, and at most 2 are asked for"),
        ({"sentences": {"min": 2}}, "One.", "write more: it has 1 sentence, and at least 2 are asked for"),
        ({"must_mention": ["Ann", "{{ days }} days"]}, "Ann waits", 'mention "8 days", in exactly these words'),
        ({"must_mention": ["Ann", "tea"]}, "He waits", 'mention "Ann" and "tea", in exactly these words'),
        ({"must_not": ["Dear ", "[", "our"]}, "Dear [name]", 'do not write "Dear" or "["'),
        ({"sentiment": "positive"}, "It is awful, I hate it.", "make it clearly positive: it sounds negative"),
        ({"regex": r"\?$"}, "Why", r"make it match the regular expression \?$"),
        ({"regex": r"\?$", "says": "end with a question mark"}, "Why", "end with a question mark"),
        ({"sql": "length(value) < days"}, "far too long", "make this SQL condition true, where `value` is the text: length(value) < days"),
        ({"sql": "length(value) < days", "says": "use fewer than {{ days }} letters"}, "far too long", "use fewer than 8 letters"),
        ({"agree": {"question": "Is it kind?", "choices": ["yes", "no"], "expect": "yes"}}, "You fool",
         'write it so that a reader who is asked "Is it kind?" answers "yes"; now the answer is "no"'),
        ({"agree": {"question": "Is it kind?", "choices": ["yes", "no"], "expect": "yes"}, "says": "be kind"}, "You fool", "be kind"),
    ],
)  # fmt: skip
def test_every_broken_rule_is_told_as_an_order(check, text, order):
    """What to do, with the numbers and words of the row; a sentence of the rule's own comes first."""
    assert told(check, text, days=8) == order


@pytest.mark.parametrize(
    "check", [{"words": {"max": 2}, "says": "be brief"}, {"sql": "value = 'a b'", "says": "x"}, {"must_not": "c", "says": "x"}]
)
def test_a_rule_that_holds_says_nothing(check):
    """A sentence of its own is for broken rules."""
    assert told(check, "a b") is None


def test_a_sentence_is_no_rule_and_reads_its_columns():
    """`says` alone checks nothing; the columns of its template are needed columns."""
    with pytest.raises(ValidationError, match="exactly one of"):
        Check.model_validate({"says": "be brief"})
    assert Check.model_validate({"words": {"max": 2}, "says": "be brief, {{ who }}"}).needs() == {"who"}


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ({"words": {"min": 4, "max": 4}}, "हिन्दी में लिखो अच्छा"),
        ({"words": {"min": 2, "max": 2}}, "السَّلَامُ عَلَيْكُمْ"),
        ({"sentences": {"min": 2, "max": 2}}, "यह अच्छा है। वह भी अच्छा है।"),
        ({"sentences": {"min": 2, "max": 2}}, "هل هذا جيد؟ نعم، جيد جدا۔"),
        ({"must_mention": "Café"}, "un cafe\u0301 noir"),
        ({"must_mention": "\u0130stanbul"}, "Bu i\u0307stanbul"),
    ],
)
def test_words_and_sentences_are_counted_in_every_script(check, text):
    """A vowel sign ends no word, a danda ends a sentence, an accent is found composed or not."""
    assert told(check, text) is None


def test_what_must_not_be_there_is_found_however_it_is_composed():
    """A forbidden word cannot hide behind its form."""
    assert told({"must_not": "Café"}, "un CAFE\u0301 noir") == 'do not write "Café"'
