"""text_rules, text_overlap, text_labels: what is dropped, and with which reason."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import RecipeError, SourceError
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.steps.languages import foreign, language_shares
from lookalike.steps.text_labels import TextLabels
from lookalike.steps.text_overlap import TextOverlap
from lookalike.steps.text_rules import TextRules, reading_ease, repeated


class Tables:
    def __init__(self, **tables):
        self.tables = tables

    def source(self, name):
        return self.tables[name]


def run(step, columns, **sources):
    n = len(next(iter(columns.values())))
    batch = Batch("t", np.arange(n) * 10, {k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in columns.items()})
    kept = step.open().apply(batch, Context(1, "t", "s", Tables(**sources)))
    assert len(kept.batch) + len(kept.dropped) == n
    assert len(kept.dropped) == len(kept.reasons)
    return kept.batch.ids.tolist(), kept.reasons


@pytest.mark.parametrize(
    ("fields", "text", "reason"),
    [
        ({}, "  ", "empty"),
        ({}, "I'm sorry, but I cannot write that.", "refusal"),
        ({}, "As an AI, I have no opinion.", "refusal"),
        ({}, "Sure, here is your review: Nice.", "boilerplate"),
        ({}, "Nice kettle. I hope this helps!", "boilerplate"),
        ({}, "Dear [Your Name], nice kettle.", "boilerplate"),
        ({}, "Review: nice kettle", "leak"),
        ({}, "Nice kettle <|im_end|>", "leak"),
        ({}, "It is good. " * 20, "repeats"),
        ({"words": (3, 9)}, "Nice.", "words: 1 is outside 3 to 9"),
        ({"must_mention": ["{{ product }}"]}, "A nice pan.", "does not mention"),
        ({"must_not": ["pan"]}, "A nice PAN.", "mentions"),
        ({"regex": r"\d"}, "No number.", "pattern"),
        ({"script": "latin"}, "Это хороший чайник", "latin"),
    ],
)
def test_rules_name_what_they_drop(fields, text, reason):
    """Each rule drops its text with its own reason."""
    ids, reasons = run(
        TextRules(text="x", **fields), {"x": ["The kettle 1 boils fast.", text], "product": ["kettle", "kettle"]}
    )
    assert reason in reasons[0] if len(reasons) == 1 else reason in reasons[1]
    assert 10 not in ids


def test_ordinary_texts_stay():
    """Plain reviews, apologies inside stories, and other scripts pass the default rules."""
    fine = [
        "The kettle boils fast and looks nice.",
        "I'm sorry, but who pays 12 dollars for a pan?",
        "Это хороший чайник",
        "שלום עולם",
    ]
    assert run(TextRules(text="x"), {"x": fine})[0] == [0, 10, 20, 30]


EN, DE = "The kettle boils fast and looks nice.", "Der Kessel kocht schnell und sieht gut aus."
LONG = f"{EN} It came on Monday, in a large box, and nothing was broken."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (EN, None),
        (f"{LONG} Merci beaucoup!", None),
        ("12 345", None),  # no language at all
        (DE, "in language de, not en"),
        (f"{LONG} {DE}", "32% of it in language de, not en"),
        (f"{LONG} La bouilloire chauffe très vite. {DE}", "of it in language de, fr, not en"),
        ("Это хороший чайник, он быстро кипит.", "in language ru"),
        ("הקומקום רותח מהר והוא יפה מאוד.", "in language he"),
        ("水壶很快就烧开了，而且很漂亮。", "in language zh"),
    ],
)
def test_texts_in_another_language_are_dropped(text, reason):
    """A text, or much of it, in another language goes, with that language's code; a foreign word or a number does not."""
    pytest.importorskip("py3langid", reason="language rules need `py3langid`")
    ids, reasons = run(TextRules(text="x", language="en"), {"x": [EN, text]})
    assert ids == ([0, 10] if reason is None else [0])
    assert reason is None or reason in reasons[0]


def test_several_languages_may_be_allowed():
    """Both of two, and the mix of them; a code that nobody knows is an error with a suggestion."""
    pytest.importorskip("py3langid", reason="language rules need `py3langid`")
    assert run(TextRules(text="x", language=("en", "de")), {"x": [EN, DE, f"{EN} {DE}"]})[0] == [0, 10, 20]
    with pytest.raises(RecipeError, match="no language 'xq'"):
        run(TextRules(text="x", language="xq"), {"x": [EN]})
    with pytest.raises(ValueError, match="language"):
        TextRules(text="x", language="English")


def test_easy_texts_read_easier():
    """Short words in short sentences score higher than long ones."""
    assert (
        reading_ease("The cat sat. It ran.")
        > 90
        > 30
        > reading_ease("Institutional considerations necessitate comprehensive examination.")
    )


def test_copies_of_the_source_are_dropped():
    """A run of eight copied words is found whatever its case and punctuation; seven are not."""
    source = pa.table({"b": ["one two three four five six seven eight nine"]})
    step = TextOverlap(text="x", source="s", column="b", words=8)
    rows = ["so: One, two THREE four five six seven eight!", "one two three four five six seven, indeed", "short", None]
    ids, reasons = run(step, {"x": rows}, s=source)
    assert ids == [10, 20, 30]
    assert reasons == ("89% of the words are copied from 's'",)


def test_labels_that_a_classifier_disbelieves_are_dropped():
    """A happy text labelled bad goes; the same text labelled good stays; unknown labels cannot be judged."""
    source = pa.table(
        {
            "x": ["love it, great", "great and lovely", "awful, hate it", "hate this awful thing"] * 5,
            "y": ["good", "good", "bad", "bad"] * 5,
        }
    )
    ids, reasons = run(
        TextLabels(text="x", label="y", source="s"), {"x": ["great, love it"] * 3, "y": ["good", "bad", "odd"]}, s=source
    )
    assert ids == [0, 20]
    assert "label 'bad'" in reasons[0]


@pytest.mark.parametrize(
    ("learned", "given"),
    [(pa.array([1, 0]), pa.array([1.0, 0.0, None])), (pa.array([True, False]), pa.array([True, False, None])),
     (pa.array(["1", "0"]), pa.array([1, 0, None], pa.int8())), (pa.array([1.0, 0.0]), pa.array(["1", "0", None]).dictionary_encode())],
)  # fmt: skip
def test_labels_are_the_same_in_every_type(learned, given):
    """Whole numbers, decimals, truth values, texts and categories: a happy text labelled as bad goes, whatever holds the label."""
    source = pa.table({"x": ["love it, great", "awful, hate it"] * 6, "y": pa.concat_arrays([learned] * 6)})
    columns = {"x": ["great, love it"] * 3, "y": given}
    assert run(TextLabels(text="x", label="y", source="s"), columns, s=source)[0] == [0, 20]


@pytest.mark.parametrize("texts", [[], [None, " ", "..."]])
def test_an_empty_corpus_is_an_error(texts):
    """With nothing to copy from and nothing to learn from, nothing can be checked, and that is said."""
    source = pa.table({"b": pa.array(texts, pa.string()), "y": pa.array(["a"] * len(texts), pa.string())})
    with pytest.raises(SourceError, match="no word in column 'b'"):
        run(TextOverlap(text="x", source="s", column="b"), {"x": ["a text"]}, s=source)
    with pytest.raises(SourceError, match="fewer than two labels"):
        run(TextLabels(text="x", label="y", source="s", from_text="b"), {"x": ["a"], "y": ["b"]}, s=source)


def test_one_label_is_no_classifier():
    """A source with one label is an error that says so."""
    with pytest.raises(SourceError, match="fewer than two labels"):
        run(TextLabels(text="x", label="y", source="s"), {"x": ["a"], "y": ["b"]}, s=pa.table({"x": ["a"], "y": ["b"]}))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "The patient was seen by the doctor and she had a fever that lasted for three days."),
        ("de", "Der Patient wurde von der Ärztin gesehen und er hat sich auch für die nächste Woche nicht abgemeldet."),
        ("fr", "Le patient a été vu par le médecin et il avait une fièvre qui dure depuis les trois derniers jours."),
        ("es", "El paciente fue visto por la doctora y tiene una fiebre que no baja desde hace tres días, pero está bien."),
        (
            "it",
            "Il paziente è stato visto dalla dottoressa e non ha la febbre, ma con questo tempo si deve fare più attenzione.",
        ),
        ("nl", "De patiënt is door de arts gezien en het is niet duidelijk of hij voor morgen naar huis wordt gestuurd."),
        ("zh", "患者昨天发烧，医生建议休息三天。"),
        ("ja", "患者は昨日から熱があります。"),
        ("ru", "Пациент был осмотрен врачом вчера."),
        ("fa", "بیمار دیروز توسط پزشک معاینه شد."),
        ("cs", "Pacient byl včera vyšetřen lékařem."),
        ("und", "12345 67890"),
    ],
)
def test_language(code, text):
    """The metric's codes are the step's: a sentence is enough, a number says nothing."""
    pytest.importorskip("py3langid", reason="languages need `py3langid`")
    assert next(iter(language_shares([text]))) == code


def test_a_long_document_does_not_repeat_itself_by_its_length():
    """In a novel phrases come again by themselves; a loop inside of it is found all the same, and memory stays small."""
    draw = np.random.default_rng(0)
    words = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("an", "elo", "iri", "ok", "umi", "as", "ent", "il")]
    novel = " ".join(np.array(words)[draw.integers(0, len(words), 300_000)])
    assert repeated(novel) < 0.01
    loop = " ".join(["it boils and boils"] * 4000)
    assert repeated(f"{novel} {loop}") > 0.3
    assert repeated("short and short and short") == 0


def test_the_language_of_a_long_document_is_told_in_bounded_time():
    """Of many sentences a thousand are looked at, from the beginning to the end; a foreign half is still seen."""
    pytest.importorskip("py3langid", reason="languages need `py3langid`")
    text = f"{LONG} " * 400
    assert foreign(text, ("en",)) is None
    assert "in language de" in foreign(text[: len(text) // 2] + f"{DE} " * 800, ("en",))
