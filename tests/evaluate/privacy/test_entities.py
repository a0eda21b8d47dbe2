"""Names in free text, found by Presidio with a spaCy model: the `pii` extra."""

from __future__ import annotations

import pyarrow as pa
import pytest

from lookalike.errors import MissingExtra
from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.privacy import entities

PEOPLE = ("Mary Jenkins", "John Whitfield", "Ahmed Farouk", "Laura Bennett", "Peter Sanders", "Helen Carter")


def notes(names, places=("Leeds", "Chicago")):
    """One note a name, long enough to be free text."""
    told = "{} came to the hospital in {} on a rainy morning and spoke with the nurse for a while about number {}."
    return pa.table({"note": [told.format(names[i % len(names)], places[i % len(places)], i) for i in range(60)]})


pytestmark = pytest.mark.filterwarnings("ignore")  # spaCy's and Presidio's own


@pytest.fixture(scope="module")
def installed():
    """The packaged model, or a skip with the reason."""
    pytest.importorskip("presidio_analyzer", reason="pip install 'lookalike[pii]'")
    pytest.importorskip(entities.MODEL, reason="pip install 'lookalike[pii]'")


@pytest.mark.slow
def test_people_of_the_source_are_counted(installed):
    """Names of persons that come out again are counted, beside what the holdout shares; places are found and are nobody."""
    report = evaluate(notes(PEOPLE[:4]), notes(PEOPLE[2:]), holdout=notes(PEOPLE[4:]), only="named_entities", gates="none")
    found = report["named_entities"]
    assert (found.value, found.ceiling) == (2, 0)
    assert found.detail["distinct"]["PERSON"] >= 4
    assert found.detail["distinct"]["LOCATION"] >= 2
    assert not any(name.lower() in report.to_json().lower() for name in PEOPLE)


@pytest.mark.slow
def test_only_the_models_own_entities_are_looked_for(installed):
    """Presidio's patterns, one of which asks the network, are left out."""
    batch = entities.recogniser()
    names = [r.name for r in batch.analyzer_engine.registry.recognizers]
    assert names == ["SpacyRecognizer"]


def test_a_missing_model_is_said():
    """A model that is not installed is a skip that says what to install and how to name another; nothing is downloaded."""
    report = evaluate(notes(PEOPLE), notes(PEOPLE), only="named_entities", ner_model="xx_no_such_model", gates="none")
    assert "lookalike[pii]" in report["named_entities"].skipped
    pytest.importorskip("presidio_analyzer", reason="pip install 'lookalike[pii]'")
    with pytest.raises(MissingExtra, match="ner_model="):
        entities.recogniser("xx_no_such_model")


def test_tables_without_text_are_skipped(real, good):
    """No free text, no reader, no import."""
    assert "no column of free text" in evaluate(real, good, only="named_entities", gates="none")["named_entities"].skipped
