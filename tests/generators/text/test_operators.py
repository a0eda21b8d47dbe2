"""Operators on sentences whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import SourceError
from lookalike.generators.text import inflection
from lookalike.generators.text.edits import apply
from lookalike.generators.text.operators import contraction
from lookalike.generators.text.operators.synonym import Synonym
from lookalike.generators.text.thesaurus import load
from lookalike.generators.text.words import sentences
from lookalike.registry import resolve

PARTS = (
    "The dog chased the cat.", "The cats were chased by the dog.", "We left because it rained.", "Because it rained, we left.",
    "The bag arrived yesterday.", "The box was heavy.", "The box is not heavy.", "Is it heavy?", "Dr. Smith paid 3.50 for it.",
    "I bought the tea, and it was stale.", "We opened the box. The lid was broken.", "She wrote the letter!", "Thank you.",
    "They were seen by the i.e. man.", "The lid was closed by e.g. the man.", "It was sent by Mr. Lee, and we lost it.",
)  # fmt: skip


def change(kind, text, row=1, **fields):
    operator = resolve("operator", kind)(**fields)
    return apply(text, operator.edits([text], [()], np.array([row], np.uint64))[0])


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("voice", "The dog chased the cat.", "The cat was chased by the dog."),
        ("voice", "The cats were chased by the dog.", "The dog chased the cats."),
        ("voice", "She wrote the long letter.", "The long letter was written by her."),
        ("front_clause", "We left because it rained.", "Because it rained, we left."),
        ("front_clause", "When the dog barks, the cats run away.", "The cats run away when the dog barks."),
        ("front_clause", "The bag arrived yesterday.", "Yesterday, the bag arrived."),
        ("negate", "The box was heavy.", "The box was not heavy."),
        ("negate", "The box is not heavy.", "The box is heavy."),
        ("question", "The box is heavy.", "Is the box heavy?"),
        ("contract", "I do not like it.", "I don't like it."),
        ("expand", "They aren't here.", "They are not here."),
        ("split_sentences", "I bought the tea, and it was stale.", "I bought the tea. It was stale."),
        ("merge_sentences", "We opened the box. The lid was broken.", "We opened the box, and the lid was broken."),
    ],
)
def test_grammar(kind, text, expected):
    """Each rule gives the sentence that a careful writer would."""
    fields = {} if kind == "negate" else {"rate": 1}
    assert change(kind, text, **fields) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("voice", "The dog slept the night."),  # not a transitive verb
        ("voice", "Anna chased the cat."),  # a name may be anything
        ("front_clause", "Paris sleeps because it rained."),  # the first word may be a name
        ("front_clause", "We left because it rained and he said that it was late."),  # two clauses
        ("negate", "The box was never heavy."),  # denied already
        ("negate", "The box was heavy. We opened it."),  # one negation does not turn a whole text
        ("question", "He said the box is heavy."),
        ("contract", "Here it is."),
        ("expand", "Don't you like it?"),
        ("expand", "It's got legs."),  # has, not is
        ("split_sentences", "If I call, and he comes, we win."),
        ("sentence_order", "Only one sentence here."),
    ],
)
def test_grammar_leaves_alone_what_it_cannot_read(kind, text):
    """A sentence outside of a rule's pattern stays as it is."""
    fields = {} if kind in ("negate", "sentence_order") else {"rate": 1}
    assert change(kind, text, **fields) == text


def test_sentences_that_refer_back_stay_behind_their_antecedent():
    """`It` follows the sentence that says what it is, in every order."""
    for row in range(30):
        new = change("sentence_order", "We bought a kettle. It leaks. The tea was fine. The cups broke.", row)
        assert "We bought a kettle. It leaks." in new
        assert sorted(new.split()) == sorted("We bought a kettle. It leaks. The tea was fine. The cups broke.".split())


def test_synonyms_keep_inflection_case_and_article():
    """Past stays past, plurals stay plural, capitals stay, and a becomes an."""
    assert change("synonym", "She purchased two automobiles.", rate=1) == "She bought two cars."
    assert change("synonym", "This was a hard error.", rate=1).split()[2] in ("a", "an")
    for row in range(20):
        new = change("synonym", "It was an error.", row, rate=1)
        assert new == "It was a mistake."


def test_synonyms_respect_the_part_of_speech():
    """`like` after a pronoun is a verb and may go; `like` the preposition stays."""
    assert "enjoy" in change("synonym", "They like tea.", rate=1)
    assert "like" in change("synonym", "It smelled like soap.", rate=1)


def test_names_are_left_alone():
    """A capitalised word inside a sentence is a name."""
    assert change("synonym", "We met Big Sur and Mr. Small.", rate=1) == "We met Big Sur and Mr. Small."


def test_a_user_thesaurus_from_csv(tmp_path):
    """A CSV with parts of speech is inflected; without, words are used as they are."""
    path = tmp_path / "own.csv"
    path.write_text("word,pos,synonyms\nstent,n,implant\nstat,,immediately; at once\n")
    assert change("synonym", "Two stents were placed stat.", rate=1, thesaurus=str(path)).startswith(
        "Two implants were placed "
    )


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "word,pos,synonyms\nx,noun,y\n"])
def test_a_bad_thesaurus_is_named(tmp_path, content):
    """Missing columns and unknown parts of speech are errors with the file's name."""
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(SourceError, match=r"bad\.csv"):
        load(str(path))


def test_a_thesaurus_in_another_encoding(tmp_path):
    """A CSV in Windows-1252 and a MyThes file in the encoding that its first line names keep their accents."""
    (tmp_path / "a.csv").write_bytes("word,pos,synonyms\ncoffeehouse,n,café\n".encode("cp1252"))
    assert change("synonym", "Two coffeehouses.", rate=1, thesaurus=str(tmp_path / "a.csv")) == "Two cafés."
    (tmp_path / "th.dat").write_bytes("ISO8859-2\nkáva|1\n(noun)|kafé\nkafé|1\n(noun)|káva\n".encode("iso8859-2"))
    assert change("synonym", "The káva was hot.", rate=1, thesaurus=str(tmp_path / "th.dat")) == "The kafé was hot."


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"word,pos,synonyms\n", "no word in it has a synonym"),
        ("a.csv", "word,pos,synonyms\nдом,n,здание\n".encode("cp1251"), "encoding is not known: byte 18"),
        ("a.dat", b"UTF-8\ncaf\xe9|1\n", "not UTF-8: .* at byte 9"),
        ("a.dat", b"\xff\xfe", "cannot be read"),
        ("data.noun", b"00000001 06 n xx dog\n", "cannot be read"),
    ],
)
def test_a_thesaurus_that_cannot_be_read_says_why(tmp_path, name, data, said):
    """Empty, of another encoding, cut off: an error with the file's name, not a run that changes nothing."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=rf"{tmp_path.name}.*{said}"):
        load(str(tmp_path if name == "data.noun" else tmp_path / name))


def test_mythes_and_wordnet_files_are_read(tmp_path):
    """MyThes keeps mutual synonyms; WordNet keeps words whose dominant sense is the shared synset."""
    dat = tmp_path / "th.dat"
    dat.write_text("UTF-8\nrapid|1\n(adj)|speedy|fast (similar term)\nspeedy|1\n(adj)|rapid|x-ray\n")
    assert change("synonym", "A rapid reply.", rate=1, thesaurus=str(dat)) == "A speedy reply."
    folder = tmp_path / "wn"
    folder.mkdir()
    for name, letter in (("noun", "n"), ("verb", "v"), ("adj", "a"), ("adv", "r")):
        data, index = "  1 licence\n", "  1 licence\n"
        if name == "noun":
            data += "00000001 06 n 02 dog 0 hound 0 000 | an animal\n00000002 06 n 02 dog 0 cad 0 000 | a man\n"
            index += "dog n 2 0 2 1 00000001 00000002\nhound n 1 0 1 0 00000001\ncad n 1 0 1 0 00000002\n"
        (folder / f"data.{name}").write_text(data)
        (folder / f"index.{name}").write_text(index)
        assert letter
    (folder / "cntlist.rev").write_text("dog%1:05:00:: 1 42\ndog%1:18:01:: 2 2\nhound%1:05:00:: 1 3\ncad%1:18:00:: 1 9\n")
    assert change("synonym", "The dogs barked.", rate=1, thesaurus=str(folder)) == "The hounds barked."


def test_inflection():
    """Irregular and doubling forms come out right."""
    verbs = {"stop": "stopped stopping", "carry": "carried carrying", "lie": "lay lying", "visit": "visited visiting"}
    assert {v: f"{inflection.past(v)} {inflection.gerund(v)}" for v in verbs} == verbs
    assert [inflection.plural(n) for n in ("box", "city", "child", "key")] == ["boxes", "cities", "children", "keys"]
    assert [inflection.comparative(a) for a in ("big", "happy", "expensive", "good")] == ["bigger", "happier", None, "better"]


def test_sentence_borders():
    """Abbreviations and decimals end no sentence; empty lines and full-width stops do."""
    text = "Dr. Smith paid $3.50. He left!\n\nA title\n\n你好。再见。"
    assert [text[a:b] for a, b in sentences(text)] == ["Dr. Smith paid $3.50.", "He left!", "A title", "你好。", "再见。"]


@pytest.mark.parametrize("kind", ["keyboard", "ocr", "casing", "spacing"])
def test_noise_grows_with_severity(kind):
    """More severe noise makes more edits, and severity 5 hits every tenth character at least somewhere."""
    text = "the small brown fox jumps over the lazy dog and runs home " * 20
    counts = [len(resolve("operator", kind)(severity=s).edits([text], [()], np.array([9], np.uint64))[0]) for s in (1, 3, 5)]
    assert counts[0] < counts[1] < counts[2]


def test_marked_letters_are_hit_whole_or_not():
    """Typing errors never separate a letter from its combining mark."""
    text = "e\u0301" * 200
    assert change("keyboard", text, rate=1) == text


def test_long_documents_are_fast():
    """Two million characters pass in seconds, not minutes (no rule is quadratic)."""
    text = "The dog chased the cat because it was hungry. " * 4000
    for kind in ("voice", "front_clause", "sentence_order", "merge_sentences", "split_sentences", "synonym", "expand"):
        assert change(kind, text)


def test_few_synonyms_come_from_all_over_a_long_text():
    """With a cap on the edits the end of a document changes as well as its beginning."""
    text = "The big house was a nice place. " * 400
    (edits,) = Synonym(rate=1, most=20).edits([text], [()], np.array([1], np.uint64))
    assert len(edits) == 20
    assert edits == sorted(edits, key=lambda edit: edit.start)
    assert edits[9].start > len(text) * 0.2
    assert edits[-1].start > len(text) * 0.7


def test_synonym_records_its_name():
    """Edits say who made them."""
    (edits,) = Synonym(rate=1).edits(["It was an error."], [()], np.array([1], np.uint64))
    assert [(e.operator, e.start, e.end) for e in edits] == [("synonym", 7, 15)]


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Is it heavy?", "It is heavy."),
        ("Can you help me?", "You can help me."),
        ("Am I late?", "I am late."),
        ("Is the small box heavy?", None),  # nothing shows where the subject ends
        ("Is it never heavy?", None),
        ("Is it heavy or light?", None),
        ("is it heavy?", None),  # what was small comes back large
    ],
)
def test_questions_become_statements_and_come_back(question, statement):
    """A question with a pronoun is stated, and that statement asks the question again; others stay."""
    assert change("question", question, rate=1) == (statement or question)
    if statement:
        assert change("question", statement, rate=1) == question


def test_every_contraction_is_expanded_to_itself():
    """Both tables are one: what is made short can be read only as what it was, with straight and with curled apostrophes."""
    for long, short in contraction._SHORT.items():  # the table is the specification
        back = contraction._LONG[short.lower()]
        assert back == long or {back, long} <= {"cannot", "can not"}
    assert change("expand", "We don’t know.", rate=1) == "We do not know."


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(" ".join), st.integers(0, 2**60))
@settings(max_examples=200)
def test_restructured_sentences_read_as_what_was_meant(text, row):
    """After each rule the text still has the number of sentences that the rule says, and the rule's reverse gives it back."""
    count = len(sentences(text))
    for kind, step in (("split_sentences", 1), ("merge_sentences", -1), ("voice", 0), ("front_clause", 0), ("question", 0)):
        operator = resolve("operator", kind)(rate=1)
        (edits,) = operator.edits([text], [()], np.array([row], np.uint64))
        assert len(sentences(apply(text, edits))) == count + step * len(edits)
    for kind in ("voice", "front_clause", "negate"):
        fields = {} if kind == "negate" else {"rate": 1}
        for start, end in sentences(text):
            new = change(kind, text[start:end], row, **fields)
            assert change(kind, new, row, **fields) == text[start:end]
