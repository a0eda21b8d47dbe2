"""Readers of model columns: numbers, depths, closed sets, and replies of reasoning models."""

import pytest

from lookalike.generators.asking import ask
from lookalike.generators.judge import Judge
from lookalike.generators.prompt import Prompt
from lookalike.generators.reading import Unfit, parse_json, read_json, read_text
from lookalike.generators.validate import Validate
from lookalike.models.base import CallFailed, Message, Reply, Request, Usage
from lookalike.rows.context import Context
from lookalike.rows.json_types import arrow_of, cells, to_arrow

WHOLE = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def talk(conversation, *replies):
    """What a conversation comes to with these replies, and what it asked."""
    sent, answers = [next(conversation)], iter(replies)
    try:
        while True:
            reply = next(answers)
            sent.append(conversation.send(Reply(reply) if isinstance(reply, str) else reply))
    except StopIteration as done:
        assert not list(answers), "replies are left over"
        return done.value, sent


def cell(spec, *replies):
    return talk(spec.converse({"_id": 0}, Context(1, "t", "c", None)), *replies)


@pytest.mark.parametrize("number", ["12345678901234567890123", "9223372036854775808", "-9223372036854775809", "1e19"])
def test_a_number_that_no_cell_holds_is_asked_again_with_the_reason(number):
    """Whole numbers beyond 64 bits: the model is told which field and why."""
    spec = Prompt(prompt="Count", schema=WHOLE)
    value, sent = cell(spec, f'{{"a": {number}}}', '{"a": 7}')
    assert value == {"a": 7}
    assert "a: " in sent[1].messages[-1].content
    assert "too large" in sent[1].messages[-1].content


def test_a_number_that_no_cell_holds_fails_its_cell():
    """Said three times, it is a failed cell with that reason."""
    with pytest.raises(CallFailed, match="too large: whole numbers go to 9223372036854775807"):
        cell(Prompt(prompt="Count", schema=WHOLE), *['{"a": 12345678901234567890123}'] * 3)


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808", "4.0"])
def test_the_largest_numbers_are_held_to_their_last_digit(number):
    """What fits 64 bits arrives as it was written."""
    value, _ = cell(Prompt(prompt="Count", schema=WHOLE), f'{{"a": {number}}}')
    assert to_arrow([value], arrow_of(WHOLE)).to_pylist() == [{"a": int(float(number)) if "." in number else int(number)}]


def test_numbers_in_json_text_keep_every_digit():
    """A free object is a text: its numbers have no bound."""
    schema = {"type": "object"}
    read = read_json(schema, cells(arrow_of(schema)))
    assert cells(arrow_of(schema))(read('{"n": 12345678901234567890123}')) == '{"n":12345678901234567890123}'


@pytest.mark.parametrize("text", ["[" * 1000, '{"a":' * 120_000, "[" * 300 + "]" * 300, '{"a":' * 200 + "1" + "}" * 200])
def test_depths_are_refused_whole_or_cut(text):
    """A reply that nests beyond any table is one more reason to ask again."""
    with pytest.raises(Unfit, match="nested more than 100 deep"):
        parse_json(text)


def test_an_enum_is_forgiven_as_choices_are():
    """`High` is `high`, also in a judge's and a schema's other closed sets."""
    schema = {"type": "object", "properties": {"s": {"enum": ["low", "high"]}}, "required": ["s"]}
    assert cell(Prompt(prompt="How bad?", schema=schema), '{"s": "High."}')[0] == {"s": "high"}
    assert cell(Judge(prompt="x", scores={"good": "1 ... 5"}, reasons=False), '{"good": "4/5"}')[0] == {"good": 4}
    assert cell(Prompt(prompt="How bad?", choices=("low", "high")), "HIGH!")[0] == "high"
    assert cell(Prompt(prompt="How bad?", choices=("low", "high")), "It is not high.", "low")[0] == "low"


def test_the_answer_of_a_reasoning_model_is_what_follows_its_reasoning():
    """Also where the server left out the opening mark; the reasoning is kept apart."""
    spec = Prompt(prompt="Which?", reasoning=True)
    assert cell(spec, "plan: x\n</think>\n\nAnswer C")[0] == {"value": "Answer C", "reasoning": "plan: x"}


def test_reasoning_that_is_cut_is_asked_again_with_more_room_each_time():
    """A block without an end is no answer; its tokens show how much room the next try needs."""
    cut = Reply("<think>on and on. And on.", "length", Usage(10, 1024, 0.0))
    longer = Reply("<think>on and on", "length", Usage(10, 2048, 0.0))
    answer, sent = talk(ask(Request("m", (Message("user", "?"),)), read=read_text, whole=True), cut, longer, "C")
    assert answer.value == "C"
    assert [request.max_tokens for request in sent] == [None, 2048, 4096]


def test_reasoning_without_an_answer_is_asked_again():
    """A reply that stops inside its reasoning is told from an answer."""
    answer, _ = talk(ask(Request("m", (Message("user", "?"),)), read=read_text), "Sure.\n<think>hm", "<think>a</think>", "C")
    assert answer.value == "C"
    assert "in the middle of the reasoning" in answer.rejected[0]
    assert "empty" in answer.rejected[1]


@pytest.mark.parametrize(
    "kind", [lambda schema: Prompt(prompt="x", schema=schema), lambda schema: Validate(column="c", json_schema=schema)]
)
def test_a_recipe_whose_schema_points_outside_is_refused(kind):
    """Before anything is asked, and without a look at the address."""
    with pytest.raises(ValueError, match="nothing is fetched"):
        kind({"properties": {"a": {"$ref": "http://127.0.0.1:9/s.json"}}})
