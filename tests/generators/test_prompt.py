"""Model columns as conversations: what is asked, what is taken, what is asked again."""

import orjson
import pyarrow as pa
import pytest
from pydantic import BaseModel, Field

from lookalike.errors import RecipeError
from lookalike.generators.prompt import Prompt
from lookalike.models.base import CallFailed, Reply, ToolCall, Usage
from lookalike.rows.context import Context

PNG = b"\x89PNG\r\n\x1a\n0000"
WAV = b"RIFF0000WAVEfmt "


class Sources:
    """Sources by name."""

    def __init__(self, **tables):
        self.tables = tables

    def source(self, name):
        return self.tables[name]


def talk(spec, *replies, row=None, **context):
    """The cell that a column makes of these replies, and the requests that it sent for them."""
    conversation = spec.converse({"_id": 0, **(row or {})}, Context(1, "t", "c", context.pop("tables", None), **context))
    sent, answers = [next(conversation)], iter(replies)
    try:
        while True:
            reply = next(answers)
            sent.append(conversation.send(Reply(reply) if isinstance(reply, str) else reply))
    except StopIteration as done:
        assert not list(answers), "replies are left over"
        return done.value, sent


def failure(spec, *replies, **more):
    with pytest.raises(CallFailed) as error:
        talk(spec, *replies, **more)
    return str(error.value)


class Code(BaseModel):
    """A diagnosis."""

    icd10: str = Field(pattern=r"^[A-Z]\d\d")
    sure: bool = True


def test_a_pydantic_class_is_a_schema():
    """The class asks, its fields are the cell's, and what does not fit is told to the model."""
    spec = Prompt(prompt="Code it", schema=Code)
    assert spec.arrow_type() == pa.struct([("icd10", pa.string()), ("sure", pa.bool_())])
    cell, sent = talk(spec, '{"icd10": "asthma"}', 'Sure: ```json\n{"icd10": "J45", "sure": false,}\n```')
    assert cell == {"icd10": "J45", "sure": False}
    assert sent[0].schema["properties"]["icd10"]["pattern"] == r"^[A-Z]\d\d"
    assert "icd10" in sent[1].messages[-1].content
    assert "does not fit its schema" in sent[1].messages[-1].content


def test_a_schema_that_is_none_is_refused():
    """A typing mistake in a schema is a problem of the recipe, not of a thousand cells."""
    with pytest.raises(ValueError, match="no JSON Schema"):
        Prompt.parse({"kind": "prompt", "prompt": "x", "schema": {"type": "objekt"}})


@pytest.mark.parametrize("said", ["yes", "Yes.", '"YES"', "The answer is: yes", "**yes**"])
def test_a_choice_is_found_however_it_is_dressed(said):
    """Case, quotes, stops and a sentence round it do not matter."""
    assert talk(Prompt(prompt="Urgent?", choices=("yes", "no")), said)[0] == "yes"


def test_two_choices_in_one_answer_are_none():
    """Both named is no answer; it is asked again, then fails with the choices in the reason."""
    spec = Prompt(prompt="Urgent?", choices=("yes", "no"), tries=2)
    assert talk(spec, "yes and no", "no")[0] == "no"
    assert "exactly one of: yes, no" in failure(spec, "yes and no", "maybe")


@pytest.mark.parametrize(
    ("text", "refused"),
    [("I am sorry, but I can't assist with that.", True), ("I apologize, but I'm not able to do this.", True),
     ("I apologize for any confusion, but I cannot write it.", True), ("As an AI language model, I have no kettle.", True),
     ("I am sorry to say that the kettle broke.", False), ("I apologize for the late answer. The kettle came.", False),
     ("I am sorry, my order number is 60318.", False), ("I apologize, but the discount is missing from the bill.", False)],
)  # fmt: skip
def test_a_refusal_is_told_from_an_apology(text, refused):
    """Who is sorry and goes on to say something answers; who is sorry and cannot, refuses."""
    cell, _ = talk(Prompt(prompt="write"), text, *(["A kettle."] if refused else []))
    assert cell == ("A kettle." if refused else text)


def test_half_a_character_is_asked_again():
    """An emoji cut in two, as small models write it in JSON, is no text: it is told, and no run breaks on it."""
    spec = Prompt(prompt="q", schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
    cell, sent = talk(spec, '{"a": "good \\ud83d"}', '{"a": "good \\ud83d\\ude00"}')
    assert cell == {"a": "good \U0001f600"}
    assert "half a character" in sent[1].messages[-1].content


def test_code_is_taken_out_of_its_fence_and_parsed():
    """The first block of the language counts; what does not parse is told with the parser's words."""
    spec = Prompt(prompt="A function", code="python")
    cell, sent = talk(spec, "```python\ndef f(:\n```", "Here:\n```python\ndef f():\n    return 1\n```\nDone.")
    assert cell == "def f():\n    return 1"
    assert "does not parse" in sent[1].messages[-1].content
    assert talk(Prompt(prompt="q", code="sql"), "```sql\nSELECT 1;\n```")[0] == "SELECT 1;"
    assert "does not parse" in failure(Prompt(prompt="q", code="json", tries=1), '{"a": }')


def test_every_broken_rule_is_told_at_once():
    """The list of violations goes back; a rule that costs a call is asked only when the free ones hold."""
    spec = Prompt(
        prompt="About {{ who }}",
        checks=(
            {"must_mention": "{{ who }}"},
            {"words": {"max": 4}},
            {"agree": {"question": "Is it kind?", "choices": ["yes", "no"], "expect": "yes"}},
        ),
    )
    cell, sent = talk(spec, "A very long line of text", "Ann is awful", "no", "Ann is kind", "yes", row={"who": "Ann"})
    assert cell == "Ann is kind"
    told = sent[1].messages[-1].content
    assert '- mention "Ann", in exactly these words\n- write less: it has 6 words, and at most 4 are asked for' in told
    assert sent[2].choices == ("yes", "no")
    assert 'now the answer is "no"' in sent[3].messages[-1].content


@pytest.mark.parametrize(
    ("check", "first", "echo"),
    [({"must_mention": "8 days"}, "You have a week.", 'Mention "8 days", in exactly these words.'),
     ({"words": {"min": 5}}, "No.", "Write more: it has 1 word, and at least 5 are asked for."),
     ({"sentiment": "positive"}, "It broke.", "Make it clearly positive: it sounds neutral.")],
)  # fmt: skip
def test_an_order_that_is_written_back_is_no_answer(check, first, echo):
    """Small models write down what they are told; it would even hold the rule."""
    good = "I love it: in 8 days it came, and it is great."
    cell, sent = talk(Prompt(prompt="How long?", checks=(check,)), first, echo, good)
    assert cell == good
    assert "repeats the complaint" in sent[2].messages[-1].content


def test_prose_cut_at_its_bound_ends_at_a_sentence():
    """With max_tokens, whole sentences are kept; without one, it is asked again with more room."""
    cut = Reply("One. Two. Thr", finish="length")
    assert talk(Prompt(prompt="x", max_tokens=8), cut)[0] == "One. Two."
    cell, sent = talk(Prompt(prompt="x"), cut, "One. Two. Three.")
    assert (cell, sent[1].max_tokens) == ("One. Two. Three.", 2048)


def test_what_is_cut_at_its_bound_is_asked_again_with_twice_as_much():
    """JSON, choices and code have no last whole sentence; a bound that only the server knows is told by what was used."""
    spec = Prompt(prompt="x", schema={"type": "array", "items": {"type": "integer"}}, max_tokens=50)
    cell, sent = talk(spec, Reply("[1, 2", finish="length"), "[1, 2, 3]")
    assert (cell, [request.max_tokens for request in sent]) == ([1, 2, 3], [50, 100])
    assert "cut off at the token limit" in sent[1].messages[-1].content
    assert "cut off" in failure(spec, *[Reply("[1, 2", finish="length")] * 3)
    unbounded = Reply("def f(", finish="length", usage=Usage(10, 4096))
    _, sent = talk(Prompt(prompt="x", code="python"), unbounded, "x = 1")
    assert [request.max_tokens for request in sent] == [None, 8192]


def test_reasoning_and_trace_are_kept_on_request():
    """Reasoning comes apart from the text, also when a local model writes it in tags; the trace holds the conversation."""
    spec = Prompt(prompt="x", reasoning=True, trace=True)
    cell, _ = talk(spec, "", "<think>Hot water.</think> It boils.")
    assert (cell["value"], cell["reasoning"]) == ("It boils.", "Hot water.")
    trace = orjson.loads(cell["trace"])
    assert trace["rejected"] == ["the answer is empty"]
    assert [turn["role"] for turn in trace["messages"]] == ["user", "assistant"]
    assert talk(spec, Reply("Yes.", reasoning="apart"))[0]["reasoning"] == "apart"


def test_tools_are_served_until_the_bound():
    """A call is answered with the function's result, wrong arguments with what is wrong; endless calls fail the cell."""
    spec = Prompt(prompt="x", tools="posixpath:basename", max_turns=2)
    asked = Reply("", finish="tool", tool_calls=(ToolCall("c1", "basename", '{"p": "/a/kettle.txt"}'),))
    wrong = Reply("", finish="tool", tool_calls=(ToolCall("c2", "basename", '{"q": 1}'),))
    cell, sent = talk(spec, asked, wrong, "kettle.txt", allow_code=True)
    assert cell == "kettle.txt"
    assert sent[0].tools[0].name == "basename"
    assert sent[1].messages[-1].content == "kettle.txt"
    assert "arguments do not fit" in sent[2].messages[-1].content
    assert "still calling tools after 2 turns" in failure(spec, asked, asked, asked, allow_code=True)
    with pytest.raises(RecipeError, match="allow-code"):
        talk(spec, "x")


def test_a_trace_holds_the_calls_of_tools_and_their_results():
    """The conversation in the chat format that trainers read; what was attached is left out."""
    spec = Prompt(prompt="x", tools="posixpath:basename", trace=True, attach={"column": "scan"})
    asked = Reply(
        "", finish="tool", tool_calls=(ToolCall("c1", "basename", '{"p": "/a/kettle.txt"}'),), verbatim='{"openai": {}}'
    )
    cell, _ = talk(spec, asked, "A kettle.", row={"scan": PNG}, allow_code=True)
    user, called, result, answer = orjson.loads(cell["trace"])["messages"]
    assert (user, answer) == ({"role": "user", "content": "x"}, {"role": "assistant", "content": "A kettle."})
    assert called["tool_calls"][0]["function"] == {"name": "basename", "arguments": '{"p": "/a/kettle.txt"}'}
    assert result == {"role": "tool", "tool_call_id": "c1", "content": "kettle.txt"}


def test_attachments_by_column_by_struct_and_by_file(tmp_path):
    """Images, sounds and texts become parts with their types; null is none, and nothing outside the folder is read."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("some words")
    spec = Prompt(
        prompt="Look", attach=({"column": "scan"}, {"column": "sound"}, {"file": "notes/{{ name }}.txt"}, {"column": "none"})
    )
    row = {"scan": PNG, "sound": {"bytes": WAV, "path": None}, "name": "a", "none": None}
    _, (request,) = talk(spec, "A kettle.", row=row, root=tmp_path)
    parts = request.messages[-1].parts
    assert [(part.media_type, part.data[:4]) for part in parts] == [
        ("image/png", PNG[:4]),
        ("audio/wav", b"RIFF"),
        ("text/plain", b"some"),
    ]
    assert spec.needs() == {"scan", "sound", "name", "none"}
    with pytest.raises(RecipeError, match="outside"):
        talk(spec, "x", row={**row, "name": "../../../../../../etc/passwd"}, root=tmp_path)


def test_examples_written_and_drawn():
    """Pairs become earlier turns, texts a list to imitate; a draw matches the row and is another one for each row."""
    pairs = Prompt(prompt="3+3?", examples=({"input": "1+1?", "output": "2"},))
    assert [message.content for message in talk(pairs, "6")[1][0].messages] == ["1+1?", "2", "3+3?"]
    table = pa.table(
        {"text": [f"{mood} {n}" for mood in ("good", "bad") for n in range(20)], "mood": ["good"] * 20 + ["bad"] * 20}
    )
    drawn = Prompt(prompt="Write", examples={"source": "reviews", "column": "text", "n": 3, "match": ["mood"]})
    shown = {
        talk(drawn, "x", row={"_id": n, "mood": "bad"}, tables=Sources(reviews=table))[1][0].messages[0].content
        for n in range(8)
    }
    assert len(shown) == 8
    assert not any("good" in text for text in shown)
    with pytest.raises(ValueError, match="give it to all of them"):
        Prompt(prompt="x", examples=({"input": "a", "output": "b"}, "c"))


def test_what_a_cell_says_is_never_rendered():
    """A cell that looks like a template reaches the model as it stands, in the prompt and in examples."""
    spec = Prompt(prompt="Repeat: {{ note }}", examples=("{{ secret }}",))
    _, (request,) = talk(spec, "x", row={"note": "{{ 7 * 7 }} {% raw %}", "secret": "s"})
    assert "{{ 7 * 7 }} {% raw %}" in request.messages[0].content
    assert "{{ secret }}" in request.messages[0].content


def test_needs_and_models_are_worked_out():
    """The plan reads them from templates, checks, attachments and examples."""
    spec = Prompt(
        prompt="{{ a }} {{ b.c }}",
        system="{{ d }}",
        model="w",
        checks=(
            {"sql": "length(value) > e"},
            {"agree": {"question": "{{ f }}?", "choices": ["y", "n"], "expect": "{{ g }}", "model": "j"}},
        ),
    )
    assert spec.needs() == {"a", "b", "d", "e", "f", "g"}
    assert spec.models() == {"w", "j"}
    assert spec.calls() == 2.0
