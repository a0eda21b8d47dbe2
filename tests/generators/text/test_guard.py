"""stand_in, shots and attributes: what prompts may see of real texts."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import SourceError
from lookalike.generators.examples import Drawn
from lookalike.generators.text.edits import apply
from lookalike.generators.text.guard import Pseudonyms, replaced
from lookalike.registry import resolve
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Tables:
    def __init__(self, **tables):
        self.tables = tables

    def source(self, name):
        return self.tables[name]


def make(kind, body, columns, tables=None, seed=1, name="t"):
    n = len(next(iter(columns.values())))
    batch = Batch(name, np.arange(n), {k: pa.array(v) for k, v in columns.items()})
    return resolve("generator", kind).model_validate(body).generate(batch, Context(seed, name, kind, tables)).to_pylist()


LETTER = (
    "Dear Dr. Smith, John Smith (john.smith@acme.com, +49 170 1234567) called. John was sick. IBAN DE89 3704 0044 0532 0130 00."
)


def test_no_personal_data_stays():
    """Names with a title or a known first name, addresses and numbers are gone; the rest is as it was."""
    (safe,) = make("stand_in", {"text": "x"}, {"x": [LETTER]})
    for piece in ("Smith", "John", "acme", "1234567", "3704 0044"):
        assert piece not in safe
    assert safe.endswith(".")
    assert " called. " in safe
    assert re.search(r"user\d{6}@example\.com", safe)


def test_the_same_person_has_the_same_stand_in_everywhere():
    """First name and surname keep one stand-in each over texts, columns and tables; another seed gives others."""
    one = make("stand_in", {"text": "x"}, {"x": [LETTER, "Mrs. Smith met John Smith."]}, name="letters")
    other = make("stand_in", {"text": "x"}, {"x": ["John Smith"]}, name="visits")
    first, last = other[0].split()
    assert f"Dr. {last}, {first} {last}" in one[0]
    assert f"Mrs. {last} met {first} {last}." == one[1]
    assert make("stand_in", {"text": "x"}, {"x": ["John Smith"]}, seed=2) != other


def test_listed_people_need_no_recognition():
    """Names from a column are replaced wherever they stand, whole or in part; parts of other words are not."""
    (safe,) = make(
        "stand_in",
        {"text": "x", "people": ["who"]},
        {"x": ["Zorblatt Quux came. Quux left the Quuxery."], "who": ["Zorblatt Quux"]},
    )
    assert "Zorblatt" not in safe
    assert " Quux " not in safe
    assert "Quuxery" in safe


def test_ordinary_numbers_and_words_stay():
    """Prices, years, dates and order numbers are no personal data."""
    text = "In 2024 it cost $3.50, order 12345, on 2024-05-01. New York was Warm."
    assert apply(text, replaced(text, Pseudonyms(3))) == text


SOURCE = pa.table(
    {"text": ["the coffee is bitter", "the dog barks at night", "our dog sleeps all day", "{{ 7 * 7 }} by John Smith"]}
)


def test_shots_by_similarity_resemble_the_query():
    """Two examples about dogs for a query about dogs."""
    (cell,) = make(
        "shots", {"source": "s", "column": "text", "n": 2, "by": "similarity", "query": "q"}, {"q": ["a dog"]}, Tables(s=SOURCE)
    )
    assert cell.count("dog") == 2
    assert cell.startswith("1. ")


def test_shots_by_coverage_show_the_whole_source():
    """Row after row, examples cover the source before any comes again; templates in them stay text, people do not."""
    cells = make("shots", {"source": "s", "column": "text", "n": 2, "by": "coverage"}, {"q": ["", ""]}, Tables(s=SOURCE))
    both = "\n".join(cells)
    assert all(piece in both for piece in ("coffee", "barks", "sleeps", "{{ 7 * 7 }}"))
    assert "John Smith" not in both


def test_shots_from_an_empty_column_are_an_error():
    """A source without text is named."""
    with pytest.raises(SourceError, match="no text to show"):
        make("shots", {"source": "s", "column": "text"}, {"q": [""]}, Tables(s=pa.table({"text": ["", None]})))


def test_attributes_come_from_the_joint_distribution():
    """Only combinations that enough rows share are drawn, and columns that go together stay together."""
    texts = (
        ["good coffee, lovely coffee taste"] * 6 + ["bad dog food, the dog was sick"] * 6 + ["a unique secret of one person"]
    )
    source = pa.table({"text": texts, "stars": [5] * 6 + [1] * 6 + [3]})
    cells = make(
        "attributes", {"source": "s", "text": "text", "columns": ["stars"], "topics": 3}, {"i": [0] * 50}, Tables(s=source)
    )
    assert {cell["stars"] for cell in cells} == {1, 5}
    assert all(("coffee" in cell["topic"]) == (cell["stars"] == 5) for cell in cells)
    assert {cell["length"] for cell in cells} == {"very short"}


def test_attributes_of_unique_people_are_refused():
    """When every row is unique, nothing may be drawn."""
    source = pa.table({"id": list(range(9))})
    with pytest.raises(SourceError, match="shared by 3 rows"):
        make("attributes", {"source": "s", "columns": ["id"]}, {"i": [0]}, Tables(s=source))


def test_examples_of_a_prompt_hold_no_people():
    """Few-shot examples get the stand-ins of the recipe before a prompt leaves the machine; templates in them stay text."""
    table = pa.table({"ask": ["Who wrote {{ x }}?"], "answer": ["John Smith, john.smith@acme.com, wrote {{ x }}."]})
    context = Context(1, "t", "c", Tables(letters=table))
    drawn = {"source": "letters", "input": "{{ ask }}", "output": "{{ answer }}", "n": 1}
    (shown,) = Drawn.model_validate(drawn).draw({"_id": 0}, context)
    (name,) = make("stand_in", {"text": "x"}, {"x": ["John Smith"]})
    assert shown.output.startswith(f"{name}, user")
    assert shown.output.endswith("@example.com, wrote {{ x }}.")
    assert shown.input == "Who wrote {{ x }}?"
    (bare,) = Drawn.model_validate({**drawn, "guard": False}).draw({"_id": 0}, context)
    assert bare.output == table["answer"][0].as_py()
