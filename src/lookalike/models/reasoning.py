"""Reasoning that stands in a reply's text: each family of models has marks of its own, and servers leave some of them out."""

from __future__ import annotations

import re
from typing import NamedTuple

from lookalike.models.wire import is_json

# DeepSeek, Qwen, GLM, Seed, LongCat; Mistral; Kimi; Cohere; Sky; MedGemma; gpt-oss, with its marks and without; Gemma
_OPEN = (
    r"<(?:\w{1,20}[:_])?(?:think(?:ing)?|thoughts?)(?:\s[^<>\n]{0,80})?>|\[THINK\]|◁think▷|<\|(?:START_THINKING|begin_of_thought|think(?:ing)?)\|>"
    r"|<unused94>(?:thought\n)?|(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<\n]{0,80}<\|message\|>|<\|channel>thought\n?"
    r"|\Aanalysis(?=[A-Z][^\0]*?assistantfinal)"
)
_CLOSE = (
    r"</(?:\w{1,20}[:_])?(?:think(?:ing)?|thoughts?)>|\[/THINK\]|◁/think▷|<\|(?:END_THINKING|end_of_thought|/think(?:ing)?)\|>"
    r"|<unused95>|<\|end\|>(?=\s*(?:<\|start\|>assistant)?<\|channel\|>)|<channel\|>|assistantfinal"
)
_MARK = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})")
_SIGNS = re.compile(r"[<\[◁]|\Aanalysis[A-Z]")
# what stands round the answer itself, once there was reasoning before it
_BEFORE = re.compile(
    r"\s*(?:(?:<\|start\|>assistant)?<\|channel\|>final[^<\n]{0,80}<\|message\|>|<\|(?:START_RESPONSE|begin_of_solution|begin_of_box)\|>|<(?:answer|response)>)\s*"
)
_AFTER = re.compile(r"\s*(?:<\|(?:return|end|END_RESPONSE|end_of_solution|end_of_box)\|>|</(?:answer|response)>)\s*\Z")


class Apart(NamedTuple):
    """A reply's text, taken apart; `finished` is False where it ends in the middle of the reasoning."""

    answer: str
    reasoning: str = ""
    finished: bool = True


def apart(text: str) -> Apart:
    """The answer of a text without the reasoning before it or between its parts.

    A closing mark alone ends reasoning that began in the prompt. A mark in quotes is a word of the text.
    """
    if _SIGNS.search(text) is None or not (marks := [mark for mark in _MARK.finditer(text) if not _quoted(text, mark)]):
        return Apart(text)
    if is_json(text):  # whole already: the marks are in its texts
        return Apart(text)
    said: list[str] = []
    thought: list[str] = []
    at = inner = 0
    since: int | None = None  # where the reasoning began that goes on
    begun = False
    for mark in marks:
        if mark["open"]:
            if since is not None:
                inner += 1  # a mark that the model only speaks of, or one inside another
                continue
            said.append(text[at : mark.start()])
            since, begun = mark.end(), True
        elif since is not None:
            thought.append(text[since : mark.start()])
            at, since = mark.end(), None
        else:
            if not begun or inner:
                thought.append("".join(said) + text[at : mark.start()])
                said, inner = [], max(0, inner - 1)
            else:
                said.append(text[at : mark.start()])
            at = mark.end()
    if since is not None:
        return Apart("", "\n".join([*thought, text[since:]]).strip(), finished=False)
    answer = "".join([*said, text[at:]]).strip()
    if (before := _BEFORE.match(answer)) is not None:
        answer = _AFTER.sub("", answer[before.end() :])
    return Apart(answer, "\n".join(part.strip() for part in thought))


def _quoted(text: str, mark: re.Match[str]) -> bool:
    before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
    return before in ("`", '"', "'") and before == after
