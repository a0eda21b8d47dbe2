"""Ways of asking, each with its exact conversation: what the model is shown, in which turns, and what becomes of the replies."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lookalike.generators.asking import ask
from lookalike.generators.quoting import quoted
from lookalike.generators.reading import read_text
from lookalike.generators.text.dialogue import changed
from lookalike.models.base import CallFailed, Message, Reply, Request, ToolCall
from lookalike.registry import resolve
from lookalike.rows.context import Context


def talk(kind, body, row, replies):
    """The cell and the requests; `replies` are texts in order, or a function of the request."""
    spec = resolve("generator", kind).model_validate({"model": "m", **body})
    conversation, asked, reply = spec.converse({"_id": 3, **row}, Context(1, "t", "c", None)), [], None
    while True:
        try:
            asked.append(conversation.send(reply))
        except StopIteration as done:
            return done.value, asked
        given = replies(asked[-1]) if callable(replies) else replies[len(asked) - 1]
        reply = given if isinstance(given, Reply) else Reply(given)


def turns(request):
    return [(message.role, message.content) for message in request.messages]


REWRITE = "Rewrite the text in {}. Add no facts, leave none out. Give only the new text."


def test_worked_examples_are_earlier_turns():
    """A rewrite's examples come in the form of the question, each with its own style, and their answers are no answer."""
    body = {
        "text": "{{ t }}",
        "style": "plain words",
        "examples": [{"text": "It is shut.", "output": "Closed!", "style": "one word"}],
    }
    cell, asked = talk("rewrite", body, {"t": "The door is open."}, ["Closed!", "You can go in."])
    assert cell == "You can go in."
    assert turns(asked[0]) == [
        ("user", f"{quoted('It is shut.', label='text')}\n\n{REWRITE.format('one word')}"),
        ("assistant", "Closed!"),
        ("user", f"{quoted('The door is open.', label='text')}\n\n{REWRITE.format('plain words')}"),
    ]


def test_entities_and_questions_have_examples_too():
    """`ner` and `qa` show theirs in the form of the row's own question."""
    body = {
        "prompt": "a line",
        "entities": {"P": "{{ who }}"},
        "examples": [{"prompt": "a note", "entities": ["Al"], "output": "Al ran to the shop."}],
    }
    _, [first] = talk("ner", body, {"who": "Bo"}, ["Bo sang a long song."])
    form = "Write {} that contains each of these, spelled exactly like this:\n- {}\nGive only the text."
    assert turns(first) == [
        ("user", form.format("a note", "Al")),
        ("assistant", "Al ran to the shop."),
        ("user", form.format("a line", "Bo")),
    ]
    example = {"document": "Al ran.", "answer": "Al", "question": "Who ran?"}
    cell, asked = talk(
        "qa", {"document": "{{ d }}", "answer": "Bo", "examples": [example]}, {"d": "Bo sang."}, ["Who ran?", "Who sang?"]
    )
    assert cell["question"] == "Who sang?"
    assert [role for role, _ in turns(asked[0])] == ["user", "assistant", "user"]
    assert quoted("Al ran.") in asked[0].messages[0].content


def test_a_list_of_entities_is_no_sentence():
    """`Bo, Leeds.` contains both and says nothing."""
    body = {"entities": {"P": "Bo", "L": "Leeds"}}
    cell, asked = talk("ner", body, {}, ["Bo, Leeds.", "Bo came home to Leeds."])
    assert (cell["text"], len(asked)) == ("Bo came home to Leeds.", 2)


def test_the_pool_is_shown_as_turns_about_their_subjects():
    """Self-Instruct: pool tasks answer the same question, each about its own subject; own finds join the pool."""
    body = {"about": "tea", "shown": 4, "n": 2}
    cell, asked = talk("self_instruct", body, {}, ["Compare two green teas.", "Draft a menu for a tea house."])
    assert cell == ["Compare two green teas.", "Draft a menu for a tea house."]
    assert [len(request.messages) for request in asked] == [9, 9]
    assert asked[0].messages[-1].content.startswith("Write a task about tea that")
    assert ("assistant", "Compare two green teas.") in turns(asked[1])
    assert "about tea" in asked[1].messages[-3].content


def test_evolution_shows_one_operator_and_worked_ones():
    """Evol-Instruct: the instruction between marks, one operator, three rewritings before it."""
    cell, [request] = talk(
        "evolve", {"instruction": "Sing.", "rounds": 1, "operators": ["deepen"]}, {}, ["Sing of rivers and say why they bend."]
    )
    assert cell["steps"] == [{"operator": "deepen", "instruction": "Sing of rivers and say why they bend.", "eliminated": None}]
    assert len(request.messages) == 7
    assert quoted("Sing.", label="instruction") in request.messages[-1].content
    assert "Ask for more depth and breadth" in request.messages[-1].content


def test_lines_are_worded_and_stay_what_they_are():
    """Each line is one call with its role; numbers, questions and who speaks stay, or the line is said as it stands."""
    body = {
        "topic": "x", "lines": ["I need {{ n }} tickets.", "When do you travel?", "My train goes at 9."], "tries": 2,
        "roles": [{"name": "user", "is": "a hurried guest"}, {"name": "assistant", "is": "a clerk"}],
        "examples": [{"is": "a clerk", "line": "Pay here.", "output": "Would you pay here?"}],
    }  # fmt: skip
    replies = [
        "Give me 3 tickets, I am late!",
        "I travel on Monday.",
        "So when do you travel?",
        "Your train goes at 9.",
        "It goes at 10.",
    ]
    cell, asked = talk("dialogue", body, {"n": 3}, replies)
    assert [(t["role"], t["content"]) for t in cell] == [
        ("user", "Give me 3 tickets, I am late!"), ("assistant", "So when do you travel?"), ("user", "My train goes at 9.")
    ]  # fmt: skip
    form = "The line: {}\nSay the line in other words, as {} would say it. Give only the line."
    assert turns(asked[0]) == [
        ("user", form.format("Pay here.", "a clerk")), ("assistant", "Would you pay here?"), ("user", form.format("I need 3 tickets.", "a hurried guest")),
    ]  # fmt: skip
    assert changed("It costs 5 euros.", "That is five euros.")
    with pytest.raises(ValidationError, match="do not go with them"):
        resolve("generator", "dialogue").model_validate({**body, "turns": 4})


def test_tool_calls_and_results_are_turns():
    """A role calls its tool with arguments; the result is a template over row and call; then it speaks."""
    tool = {"name": "track", "description": "Where is it?", "result": "{{ arguments.id }} is in {{ town }}"}
    body = {
        "topic": "a parcel",
        "opening": "Where is it?",
        "turns": 2,
        "roles": [{"name": "user"}, {"name": "assistant"}],
        "tools": [tool],
    }
    call = Reply("", "tool", tool_calls=(ToolCall("1", "track", '{"id": 7}'),))
    cell, asked = talk("dialogue", body, {"town": "Lyon"}, [call, "It is in Lyon."])
    assert [(t["role"], t["content"], t["name"], t["arguments"]) for t in cell] == [
        ("user", "Where is it?", None, None), ("call", "", "track", '{"id": 7}'), ("tool", "7 is in Lyon", None, None),
        ("assistant", "It is in Lyon.", None, None),
    ]  # fmt: skip
    assert asked[1].messages[-1] == Message("tool", "7 is in Lyon", tool_call_id="1")


def test_writers_fan_out_and_every_judge_sees_both_orders():
    """UltraFeedback: candidates by the writers in turn, every pair judged twice by each judge; the margin counts all."""
    answers = {"small": "a dull text", "large": "a fine text"}

    def model(request):
        text = request.messages[-1].content
        return answers[request.model] if "Which answer" not in text else "AB"[text.index("dull") < text.index("fine")]

    cell, asked = talk("preference", {"prompt": "Say.", "writers": ["small", "large"], "judges": ["one", "two"]}, {}, model)
    assert [request.model for request in asked] == ["small", "large", "one", "one", "two", "two"]
    assert (cell["chosen"], cell["rejected"], cell["margin"], cell["agreement"]) == ("a fine text", "a dull text", 1.0, 1.0)
    first, second = (request.messages[-1].content for request in asked[2:4])
    assert first.index("dull") < first.index("fine")
    assert second.index("dull") > second.index("fine")


def test_contrast_shows_a_good_and_a_bad_answer():
    """RLCD: one request as wanted, one as not wanted, each with its side of the example before it; the task said again is no answer."""
    body = {
        "prompt": "Explain tides.",
        "criteria": "clear",
        "worse": "vague",
        "examples": [{"prompt": "Explain rain.", "chosen": "Drops fall.", "rejected": "Who knows."}],
    }
    cell, asked = talk(
        "preference", body, {}, ["Explain tides clearly.", "The moon pulls the sea.", "Who knows.", "It all depends."]
    )
    assert (cell["chosen"], cell["rejected"], len(asked)) == ("The moon pulls the sea.", "It all depends.", 4)
    form = "{}\n\nThe answer must be {}."
    assert turns(asked[0]) == [
        ("user", form.format("Explain rain.", "clear")),
        ("assistant", "Drops fall."),
        ("user", form.format("Explain tides.", "clear")),
    ]
    assert turns(asked[2]) == [
        ("user", form.format("Explain rain.", "vague")),
        ("assistant", "Who knows."),
        ("user", form.format("Explain tides.", "vague")),
    ]


def test_a_repair_loop_is_a_preference_pair():
    """Self-Refine: the critic sees task, principles and draft, the writer the critique; draft and value are the pair."""
    body = {"prompt": "Greet {{ x }}.", "principles": "short", "critic": "strict"}
    cell, asked = talk("critique", body, {"x": "Ann"}, ["Good morning to you, dear Ann.", "too long", "Hi Ann."])
    assert cell == {"draft": "Good morning to you, dear Ann.", "critique": "too long", "value": "Hi Ann.", "rounds": 1}
    assert [request.model for request in asked] == ["m", "strict", "m"]
    draft = quoted("Good morning to you, dear Ann.", label="answer")
    assert asked[1].messages[-1].content.startswith(f"Task:\nGreet Ann.\n\nA good answer is: short\n\n{draft}")
    assert "What is wrong with this answer:\ntoo long" in asked[2].messages[-1].content


def test_translations_that_do_not_come_back_are_asked_again():
    """With `round_trip` the translation is translated back; another meaning is told to the model. English leftovers never pass."""
    body = {"text": "{{ t }}", "to": "German", "round_trip": 0.6}
    source = "The dog sleeps and eats."
    replies = [
        "Der Hund sleeps and frisst.",
        "Die Katze singt.",
        "The cat sings.",
        "Der Hund schläft und frisst.",
        "The dog sleeps and eats.",
    ]
    cell, asked = talk("translate", body, {"t": source}, replies)
    assert (cell, len(asked)) == ("Der Hund schläft und frisst.", 5)
    assert "translate these words too: and" in asked[1].messages[-1].content
    assert (
        asked[2].messages[-1].content
        == f"{quoted('Die Katze singt.', label='text')}\n\nTranslate the text into English. Give only the translation."
    )
    assert "The cat sings." in asked[3].messages[-1].content


def test_a_question_asked_back_must_lead_to_its_answer():
    """Round trip of questions (1906.05416): another answer fails the cell."""
    body = {"document": "{{ d }}", "answer": "1932", "round_trip": True}
    cell, asked = talk("qa", body, {"d": "It opened in 1932 and shut in 1950."}, ["When did it open?", "1932"])
    assert (cell["answer"], len(asked)) == ("1932", 2)
    with pytest.raises(CallFailed, match="asked back"):
        talk("qa", body, {"d": "It opened in 1932 and shut in 1950."}, ["When did it shut?", "1950"])


@pytest.mark.parametrize(
    ("answer", "begins"),
    [
        ("1932", "In which year"),
        ("Oslo", "Where"),
        ("Ann Lee", "Who"),
        ("40 boats", "How many"),
        ("3 weeks", "How long"),
        ("the rope", "What"),
    ],
)
def test_small_models_are_told_how_the_question_begins(answer, begins):
    """The kind of answer, and what stands before it, decides the question word."""
    document = "In 1932 Ann Lee sailed, from Oslo for 3 weeks and saw 40 boats and the rope."
    _, [request] = talk("qa", {"document": "{{ d }}", "answer": answer}, {"d": document}, ["What is told here?"])
    assert f"such as {begins}, end" in request.messages[-1].content


def test_abstractive_answers_rest_on_evidence():
    """The answer is in own words; its evidence is found in the document, with offsets."""
    document = "It rained for days. The river rose by 2 metres."
    reply = '{"question": "Why did it rise?", "answer": "because of rain", "evidence": ["it rained for days"]}'
    cell, _ = talk("qa", {"document": "{{ d }}", "form": "abstractive"}, {"d": document}, [reply])
    [evidence] = cell["evidence"]
    assert document[evidence["start"] : evidence["end"]] == evidence["text"] == "It rained for days"
    assert (cell["answer"], cell["start"], cell["answerable"]) == ("because of rain", None, True)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("The text discusses rain.", "talks about the text"),
        ("Rain fell in Oslo and Bath.", "leave out these names, which the text does not have: Bath"),
        ("Rain fell for 3 days.", "leave out these numbers, which the text does not have: 3"),
    ],
)
def test_summaries_say_what_the_text_says(reply, said):
    """Talk about the text, and names or numbers that it does not have, are asked again with the reason."""
    source = "It rained in Oslo for many days, and the river rose until the old bridge had to be closed."
    cell, asked = talk("summarise", {"text": "{{ t }}"}, {"t": source}, [reply, "It rained in Oslo for days."])
    assert cell == "It rained in Oslo for days."
    assert said in asked[1].messages[-1].content


def converse(replies, tries=4):
    conversation, asked, reply = ask(Request("m", (Message("user", "Name 8 birds."),)), read=read_8, tries=tries), [], None
    while True:
        try:
            asked.append(conversation.send(reply))
        except StopIteration as done:
            return done.value.value, asked
        reply = Reply(replies[len(asked) - 1])


def read_8(text):
    from lookalike.generators.asking import Unfit

    if "8" not in text:
        raise Unfit("it must still contain: 8")
    return read_text(text)


def test_a_bad_answer_is_told_with_the_task_below():
    """Bad answer, reason, and the task once more; the same bad answer again brings back the bare question."""
    value, asked = converse(["Nine.", "Nine.", "8 birds."])
    assert value == "8 birds."
    assert turns(asked[1])[:2] == [("user", "Name 8 birds."), ("assistant", "Nine.")]
    assert asked[1].messages[-1].content.endswith("The task once more:\n\nName 8 birds.")
    assert "it must still contain: 8" in asked[1].messages[-1].content
    assert turns(asked[2]) == [("user", "Name 8 birds.")]


def test_the_complaint_itself_is_no_answer():
    """`It should contain: 8` passes the rule and says nothing."""
    value, asked = converse(["Nine.", "It should still contain: 8", "8 birds."])
    assert (value, len(asked)) == ("8 birds.", 3)


def test_a_cut_list_loses_its_bare_number():
    """Prose that ends at its limit in `5.` ends before it."""
    request = Request("m", (Message("user", "List."),), max_tokens=9)
    conversation = ask(request, read=read_text, whole=True)
    next(conversation)
    with pytest.raises(StopIteration) as done:
        conversation.send(Reply("1. Wash it.\n2. Dry it.\n3.", "length"))
    assert done.value.value.value == "1. Wash it.\n2. Dry it."
