"""One answer from a model, checked: the sub-conversation that all model columns are built from.

`answer = yield from ask(request, read=...)`. A reply that is empty, a refusal, cut off, or does not fit is asked again with
the reason in the conversation. Nothing here knows time or chance: sent the same replies, it comes to the same point.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookalike.generators.reading import Read, Unfit
from lookalike.models.base import CallFailed, Message, Reply, Request, ToolCall
from lookalike.models.reasoning import apart

Asking = Generator[Request, Reply, Any]
Verify = Callable[[Any], Generator[Request, Reply, Sequence[str]]]
UseTool = Callable[[ToolCall], str]

_REFUSAL = re.compile(
    r"^\W*(((i['’]?m|i am) (very )?)?sorry,?( but)? (i can(no|['’])t|i can not|i am|i['’]m (not|un)|i won|as an? |i do not|i don['’]t)|i apologi[sz]e,?( but| for (any|the) \w+,? but)? i ?(can|am|['’]m|do|won|must)|i can(no|['’])t (help|assist|fulfil|fulfill|provide|create|generate|write|comply|do)"
    r"|i['’]?m (not able|unable) to|i am (not able|unable) to|as an ai( language)? model|i won['’]?t (help|assist|provide|create|write))",
    re.IGNORECASE,
)
_SHORT_TASK = 1500  # characters that are worth saying twice
_COMPLAINT = re.compile(r"\b(?:must|should|cannot be used|corrected answer|asked for|in exactly these words)\b", re.IGNORECASE)
_BARE_ITEM = re.compile(r"(?:\A|\n)[ \t]*(?:\d+[.)]|[-*•])\Z")  # `5.` ends no sentence
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s|$)")


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """What a checked conversation came to.

    Attributes:
        value: what `read` made of the last reply.
        reasoning: the model's reasoning, when it gave any.
        messages: the whole conversation, the last reply included.
        rejected: why earlier replies were not taken.
        unknown_tools: how often the model called a tool that is not there.
    """

    value: Any
    reasoning: str
    messages: tuple[Message, ...]
    rejected: tuple[str, ...] = ()
    unknown_tools: int = 0


def ask(
    request: Request,
    *,
    read: Read,
    verify: Verify | None = None,
    tries: int = 3,
    whole: bool = False,
    tools: Mapping[str, UseTool] | None = None,
    max_turns: int = 5,
) -> Generator[Request, Reply, CheckedAnswer]:
    """Ask until the answer fits.

    Args:
        request: the question.
        read: makes the value of a text; raises `Unfit`.
        verify: a sub-conversation that gives reasons against the value; none: it stands.
        tries: replies that are looked at before the cell fails.
        whole: a text cut off at its token limit may end after its last whole sentence.
        tools: what may be called, by name.
        max_turns: replies with tool calls that are served.

    Raises:
        CallFailed: no reply fitted.
    """
    rejected: list[str] = []
    unknown = 0
    current = request
    limit_raised = False
    for _ in range(tries):
        reply = yield current
        turns = 0
        while reply.tool_calls and tools:
            turns += 1
            if turns > max_turns:
                raise CallFailed(
                    what=f"{request.model}: still calling tools after {max_turns} turns",
                    fix="raise max_turns or simplify the task",
                )
            served, missing = _serve(reply, tools)
            unknown += missing
            current = current.say(*served)
            reply = yield current
        said = apart(reply.text)
        text = said.answer
        try:
            thinking = not text.strip()  # each time: how long a model thinks is not for us to say
            if reply.finish == "length" and (thinking or not limit_raised) and not (whole and _SENTENCE_END.search(text)):
                limit_raised = True
                # the bound may be the model's or the server's own: what came before it says where it is
                current = replace(current, max_tokens=2 * max(current.max_tokens or 1024, reply.usage.completion_tokens))
                raise Unfit("it was cut off at the token limit")  # noqa: TRY301  # one place takes all reasons
            if not said.finished:
                raise Unfit("it ended in the middle of the reasoning")  # noqa: TRY301  # one place takes all reasons
            value = read(_usable(text, reply, whole=whole))
            if rejected and not request.choices and _echoes(value, rejected[-1]):
                raise Unfit("it repeats the complaint; answer the task")  # noqa: TRY301  # one place takes all reasons
        except Unfit as exc:
            reasons: Sequence[str] = [str(exc)]
        else:
            reasons = (yield from verify(value)) if verify else ()
            if not reasons:
                messages = (*current.messages, Message("assistant", text))
                return CheckedAnswer(value, reply.reasoning or said.reasoning, messages, tuple(rejected), unknown)
        rejected.append("; ".join(reasons))
        repeats = text in (message.content for message in current.messages[-2:])
        current = _again(request, current, "" if repeats else text, reasons)
    raise CallFailed(
        what=f"{request.model}: no usable reply in {tries} tries: " + " | ".join(rejected),
        fix="make the prompt clearer, raise `tries` or max_tokens, or take a stronger model",
    )


def _usable(text: str, reply: Reply, *, whole: bool) -> str:
    """The text of a reply that can be read at all."""
    if reply.finish == "refusal" or _REFUSAL.match(text):
        raise Unfit("the answer is a refusal: " + _short(text))
    if not text.strip():
        raise Unfit("the answer is empty")
    if reply.finish == "length":
        if not whole or not _SENTENCE_END.search(text):
            raise Unfit("it was cut off at the token limit; be briefer")
        return _BARE_ITEM.sub("", text[: [match.end() for match in _SENTENCE_END.finditer(text)][-1]]).rstrip()
    return text


def _echoes(value: Any, reason: str) -> bool:
    """Whether prose only says again what was wrong with the last answer: `It should contain: 8`."""
    if not isinstance(value, str):
        return False
    begins = " ".join(value.lower().split()[:3])
    if not _COMPLAINT.search(value) and not any(order.lower().startswith(begins) for order in reason.split("; ")):
        return False
    words = set(re.findall(r"\w+", value.lower()))
    known = set(re.findall(r"\w+", f"that answer cannot be used give only the corrected answer {reason}".lower()))
    return len(words & known) > 0.6 * len(words)


def _again(request: Request, current: Request, text: str, reasons: Sequence[str]) -> Request:
    """The question, the last bad answer and what is wrong with it: earlier bad answers only confuse a model.

    Without a text, because it was a refusal or the same bad answer again, the question alone: a new seed is a new chance.
    """
    listed = "\n".join(f"- {reason}" for reason in reasons)
    turns: list[Message] = []
    if text.strip() and not _REFUSAL.match(text):
        turns.append(Message("assistant", text if len(text) < 4000 else text[:4000]))
        # a small model answers what it was told last: without the task it writes back the complaint
        task = request.messages[-1].content
        again = f"The task once more:\n\n{task}" if len(task) <= _SHORT_TASK else "Answer again."
        turns.append(Message("user", f"That answer cannot be used:\n{listed}\nGive only the corrected answer. {again}"))
    base = current.messages if any(message.role == "tool" for message in current.messages) else request.messages
    return replace(request, messages=(*base, *turns), max_tokens=current.max_tokens)


def _serve(reply: Reply, tools: Mapping[str, UseTool]) -> tuple[list[Message], int]:
    """The model's tool calls and their results as turns, and how many named no tool."""
    turns = [Message("assistant", reply.text, tool_calls=reply.tool_calls, verbatim=reply.verbatim)]
    missing = 0
    for call in reply.tool_calls:
        if call.name in tools:
            result = tools[call.name](call)
        else:
            missing += 1
            result = f"error: there is no tool {call.name!r}; tools: {', '.join(sorted(tools))}"
        turns.append(Message("tool", result, tool_call_id=call.id))
    return turns, missing


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
