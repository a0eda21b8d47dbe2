"""Scores by a rubric."""

import pyarrow as pa
import pytest

from lookalike.generators.judge import Judge
from lookalike.models.base import CallFailed

from .test_prompt import failure, talk

BOTH = {"faithful": "1 wrong ... 5 right", "fluent": {1: "hard", 5: "easy"}}


def said(faithful=5, fluent=4):
    return f'{{"faithful": {{"reason": "all there", "score": {faithful}}}, "fluent": {{"reason": "short", "score": {fluent}}}}}'


def test_every_score_has_its_reason_before_it():
    """The question lists the criteria with their scales; the reason is asked for first, which steadies the score."""
    cell, sent = talk(Judge(prompt="Note: {{ note }}", scores=BOTH), said(), row={"note": "x"})
    assert cell == {"faithful": 5, "fluent": 4, "reasons": {"faithful": "all there", "fluent": "short"}}
    assert list(sent[0].schema["properties"]["fluent"]["properties"]) == ["reason", "score"]
    assert "from 1 to 5" in sent[0].messages[-1].content
    assert "- faithful: 1 wrong ... 5 right\n- fluent: 1 = hard; 5 = easy" in sent[0].messages[-1].content
    assert sent[0].temperature == 0.0


@pytest.mark.parametrize("wrong", ["0", "6", "-1", "4.5", '"high"', "null", "true", "[4]"])
def test_what_is_no_score_of_the_scale_is_asked_again_and_then_fails(wrong):
    """Outside the scale, between two scores, or no number: the model is told which one, and nothing is rounded or clipped."""
    spec = Judge(prompt="x", scores=BOTH, tries=2)
    cell, sent = talk(spec, said(faithful=wrong), said())
    assert cell["faithful"] == 5
    assert "faithful.score" in sent[1].messages[-1].content
    assert "no usable reply in 2 tries" in failure(spec, said(faithful=wrong), said(fluent=wrong))


@pytest.mark.parametrize("dressed", ["4", '"4"', "4.0"])
def test_a_whole_number_is_one_however_it_is_written(dressed):
    """As text or with a point nought: no second call for that."""
    assert talk(Judge(prompt="x", scores=BOTH), said(fluent=dressed))[0]["fluent"] == 4


def test_a_missing_or_extra_criterion_is_asked_again():
    """All criteria, and no others."""
    spec = Judge(prompt="x", scores=BOTH)
    _, sent = talk(spec, '{"faithful": {"reason": "a", "score": 5}}', said().replace("}}", '}, "style": 3}'), said())
    assert "fluent" in sent[1].messages[-1].content
    assert "style" in sent[2].messages[-1].content


def test_any_scale_and_no_reasons():
    """Scores may go below nought; without reasons a score is asked for bare."""
    spec = Judge(prompt="x", scores={"tone": {-2: "rude", 2: "kind"}}, scale=(-2, 2), reasons=False)
    assert (talk(spec, '{"tone": -2}')[0], spec.arrow_type()) == ({"tone": -2}, pa.struct([("tone", pa.int64())]))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"scores": {}}, "at least 1"),
        ({"scores": BOTH, "scale": (5, 5)}, "must be"),
        ({"scores": {"reasons": "x"}}, "'reasons' is taken"),
        ({"scores": {"a": {7: "b"}}}, "outside the scale 1 to 5"),
    ],
)
def test_a_rubric_that_cannot_be_held_is_refused(body, why):
    """A problem of the recipe, not of a thousand cells."""
    with pytest.raises(ValueError, match=why):
        Judge(prompt="x", **body)


def test_a_refusal_to_judge_fails_the_cell():
    """It is asked again, then the reason is kept."""
    with pytest.raises(CallFailed, match="refusal"):
        talk(Judge(prompt="x", scores=BOTH, tries=1), "I'm sorry, but I can't help with that.")
