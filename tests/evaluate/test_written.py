"""Columns that only the synthetic table has, written by a model into a learned table, are measured by themselves."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.evaluate import evaluate

from .conftest import draw

QUICK = "validity,marginals,pii_count,near_duplicates,refusals"
WARDS = ["north", "south", "east", "west", "central", "harbour", "upper", "lower", "old", "new"]


def notes(n):
    """Texts of which no two are alike."""
    words = "amber basin cedar delta ember fjord grove heron inlet jetty kelp lagoon maple north ochre prairie quarry reef spruce tundra".split()
    seeded = np.random.default_rng(0)
    return [" ".join(seeded.choice(words, 14)) for _ in range(n)]


@pytest.fixture(scope="module")
def real():
    """What was learned from."""
    return draw(400, 0)


@pytest.fixture(scope="module")
def good():
    """What was made of it, before a model wrote into it."""
    return draw(400, 2)


def with_note(table, cells):
    return table.append_column("note", pa.array(cells))


def failing(real, made):
    report = evaluate(real, made, only=QUICK)
    return report, {outcome.metric for outcome in report.outcomes if outcome.status == "fail"}


def test_ordinary_texts_pass(real, good):
    """Texts without personal data, refusals or repetition fail nothing, and the report says what looked at them."""
    report, failed = failing(real, with_note(good, notes(good.num_rows)))
    assert failed == set()
    assert set(report.tables[""].looked["note"]) == {"pii_count", "near_duplicates", "refusals"}
    assert report.tables[""].written == ("note",)
    assert report["near_duplicates"].ceiling is None


@pytest.mark.parametrize(
    "cell", ["call +44 20 7946 0958 now, {i}", "write to jane.{i}@post.com today", "card 4111 1111 1111 1111 of order {i}"]
)
def test_personal_data_in_written_texts_fails(real, good, cell):
    """A phone number, an address or a card in every text; the finding names column, kind and count, and what to do."""
    report, failed = failing(
        real, with_note(good, [f"{text}, {cell.format(i=i)}" for i, text in enumerate(notes(good.num_rows))])
    )
    assert failed == {"pii_count.written"}
    finding = report.findings[0]
    assert "In note: 400" in finding.text
    assert "redact" in finding.fix


def test_refusals_fail(real, good):
    """Every tenth text is a refusal."""
    cells = [f"I'm sorry, but I can't help with {t}" if i % 10 == 0 else t for i, t in enumerate(notes(good.num_rows))]
    report, failed = failing(real, with_note(good, cells))
    assert failed == {"refusals"}
    assert "40 with a refusal" in report.findings[0].text


def test_three_texts_in_four_hundred_rows_fail(real, good):
    """A model that collapsed writes the same few texts again and again."""
    few = notes(3)
    assert failing(real, with_note(good, [few[i % 3] for i in range(good.num_rows)]))[1] == {"near_duplicates"}


def test_fields_of_records_are_columns(real, good):
    """A structured reply is as many columns as it has fields."""
    cells = [{"text": f"mail me at ann.{i}@post.com please, {t}", "grade": i % 5} for i, t in enumerate(notes(good.num_rows))]
    report, failed = failing(real, good.append_column("reply", pa.array(cells)))
    assert failed == {"pii_count.written"}
    assert set(report.tables[""].written) == {"reply.text", "reply.grade"}


def test_real_texts_that_repeat_are_the_measure(real, good):
    """Where real texts repeat each other as much, the synthetic ones may."""
    few = [f"The {a} ward was quiet in the {b} wing of the house." for a in WARDS for b in WARDS]
    real_notes, made_notes = ([few[(i * k) % 97] + f" {i % 40}" for i in range(real.num_rows)] for k in (7, 11))
    report, failed = failing(with_note(real, real_notes), with_note(good, made_notes))
    assert failed == set()
    assert report["near_duplicates"].value > 0.5
    assert report["near_duplicates"].ceiling > 0.5


def test_alone_the_same_gates_decide():
    """Texts without any real rows beside them: 300 refusals with addresses and cards fail privacy and diversity."""
    cells = [f"I'm sorry, I cannot help with {i}. Mail a.b{i}@post.com, card 4111 1111 1111 1111." for i in range(300)]
    report = evaluate(None, pa.table({"text": cells}))
    assert (report.verdicts["privacy"], report.verdicts["diversity"], report.exit_code) == ("fail", "fail", 1)
