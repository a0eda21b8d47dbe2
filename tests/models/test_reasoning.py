"""Reasoning in a reply's text is told from the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.models.base import Request
from lookalike.models.reasoning import Apart, apart
from lookalike.models.structured import content

MARKS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ('<think time="3">', "</think>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|channel>thought\n", "<channel|>"),
]


@pytest.mark.parametrize(("opening", "closing"), MARKS)
def test_every_family_of_models_has_its_marks(opening, closing):
    """A whole block, a block whose beginning was in the prompt, and one that is cut: answer, reasoning, whether it is whole."""
    assert apart(f"{opening}\nlet me see\n{closing}\n\nC") == Apart("C", "let me see")
    assert apart(f"plan: x\n{closing}\n\nAnswer C") == Apart("Answer C", "plan: x")
    assert apart(f"{opening}it may be C, or") == Apart("", "it may be C, or", finished=False)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a</think><think>b</think>C", "C"),
        ("C<think>because</think>", "C"),
        ("<think>a <think> b </think> c </think> D", "D"),
        ("first</think>second</think>C", "C"),
        ("<think>I close with `</think>` then</think>C", "C"),
        ("<think>a</think>The mark </think> is stray.", "The mark  is stray."),
        ("<think>a</think><answer>B</answer>", "B"),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>", "B"),
        ("analysisWe need one letter.assistantfinalB", "B"),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>B<|END_RESPONSE|>", "B"),
        ("<think>a</think><|begin_of_box|>B<|end_of_box|>", "B"),
    ],
)
def test_blocks_inside_and_after_each_other_leave_the_answer(text, answer):
    """Several blocks, nested ones, marks that are only spoken of, and wrappings of the answer itself."""
    assert apart(text).answer == answer


@pytest.mark.parametrize(
    "text",
    [
        "The tag `<think>` opens it.",
        '{"text": "<think>hm</think> 5"}',
        "a < b and [b] > c",
        "analysis of variance",
        "<answer>B</answer>",
        "I think <b>so</b>",
    ],
)
def test_texts_that_only_look_so_stay(text):
    """A mark in quotes, whole JSON, other tags: nothing is taken out."""
    assert apart(text) == Apart(text)


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "`", " a ", "\n", "[THINK]", "<answer>", "analysis", "{"])).map("".join)
)
def test_no_mark_of_a_block_is_left_in_an_answer(text):
    """Whatever the order of the marks, an answer holds none that is not in quotes, and reading it again changes nothing."""
    found = apart(text)
    assert found.finished or not found.answer
    if found != Apart(text):
        assert apart(found.answer).answer.strip() == found.answer.strip()


def test_a_filled_in_form_after_reasoning_is_read():
    """A server's JSON form says what it says also behind a block of reasoning."""
    assert content(Request("m", schema={"type": "integer"}), '<think>3?</think>{"answer": 3}') == "3"
