"""What a trainer's tokenizer will make of a chat: does its template render, what is learned from, does it fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lookalike.errors import UsageError
from lookalike.optional import require

_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")  # marks for transformers' own mask, which nothing else knows


@dataclass(frozen=True, slots=True)
class Counted:
    """A chat in tokens.

    Attributes:
        total: tokens of the rendered chat.
        learned: tokens of the assistant's turns, which the loss is taken of; their end mark included.
    """

    total: int
    learned: int


class ChatTokens:
    """A tokenizer with its chat template, from a folder with `tokenizer.json` and `tokenizer_config.json`.

    The template is run in a sandbox; the assistant's part is found as trainers find it: what a turn adds to the prompt that asks
    for it.

    Args:
        folder: as `save_pretrained` writes it; a `chat_template.jinja` in it goes before the configuration's template.

    Raises:
        UsageError: a file or the template is missing, or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        tokenizers = require("tokenizers", extra="text")
        if not (folder / "tokenizer.json").is_file():
            raise UsageError(what="there is no tokenizer.json", where=str(folder), fix="give the folder of a saved tokenizer")
        self.tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        config = folder / "tokenizer_config.json"
        self.config: dict[str, Any] = orjson.loads(config.read_bytes()) if config.is_file() else {}
        source = self._source(folder)
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _refuse
        try:
            self.template = environment.from_string(_GENERATION.sub("", source))
        except TemplateError as exc:
            raise UsageError(
                what=f"the chat template cannot be read: {exc}", where=str(folder), fix="mend the template"
            ) from exc

    def _source(self, folder: Path) -> str:
        own = folder / "chat_template.jinja"
        found = own.read_text("utf-8") if own.is_file() else self.config.get("chat_template")
        if isinstance(found, list):  # several, by name
            found = next((each["template"] for each in found if each.get("name") == "default"), None)
        if not found:
            raise UsageError(
                what="the tokenizer has no chat template", where=str(folder), fix="use one of an instruction-tuned model"
            )
        return str(found)

    def render(self, messages: Sequence[Mapping[str, Any]], *, ask: bool = False) -> str:
        """The chat as the model reads it; with `ask`, up to where the assistant begins.

        Raises:
            ValueError: the template refuses the messages; the text says why.
        """
        marks = {name: _plain(self.config.get(name)) for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
        try:
            return self.template.render(messages=list(messages), add_generation_prompt=ask, tools=None, **marks)
        except TemplateError as exc:
            raise ValueError(f"the chat template refuses it: {exc}") from exc

    def count(self, messages: Sequence[Mapping[str, Any]]) -> Counted:
        """Tokens of the chat and of what is learned from it.

        Raises:
            ValueError: the template refuses it, rewrites earlier turns, or leaves nothing to learn from.
        """
        whole = self.render(messages)
        learned: list[tuple[int, int]] = []
        for place, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before, after = self.render(messages[:place], ask=True), self.render(messages[: place + 1])
            if not after.startswith(before) or not whole.startswith(after.rstrip()):
                raise ValueError(
                    "the chat template rewrites earlier turns, so the assistant's part cannot be found in the whole"
                )
            learned.append((len(before), len(after)))
        encoded = self.tokenizer.encode(whole, add_special_tokens=False)
        inside = sum(any(a < end and start < b for a, b in learned) for start, end in encoded.offsets)
        if not inside:
            raise ValueError("the assistant's mask is empty: nothing would be learned")
        return Counted(len(encoded.offsets), inside)


def _plain(mark: Any) -> str:
    """A special token, which the configuration writes as text or as an object."""
    return str(mark["content"]) if isinstance(mark, Mapping) else str(mark or "")


def _refuse(message: str) -> None:
    raise TemplateError(message)


@lru_cache(maxsize=2)
def chat_tokens(folder: str) -> ChatTokens:
    """The tokenizer of a folder, read once."""
    return ChatTokens(Path(folder))
