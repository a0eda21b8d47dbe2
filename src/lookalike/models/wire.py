"""Messages as the OpenAI API wants them; llama.cpp takes the same."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lookalike.models.base import Message, Part, Transient

_AUDIO = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
}


@contextmanager
def reading(body: Any, what: str) -> Iterator[None]:
    """Around code that takes a reply apart: JSON of another shape than the API promises is a fault that may pass.

    Raises:
        Transient: `body` is no `what`.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError):
        raise Transient(f"the reply is no {what}: {str(body)[:200]}") from None


def wire(message: Message) -> dict[str, Any]:
    """A message as the API wants it."""
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.parts:
        body["content"] = [{"type": "text", "text": message.content}, *(_part(part) for part in message.parts)]
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return body


def _part(part: Part) -> dict[str, Any]:
    if part.media_type.startswith("text/"):
        return {"type": "text", "text": f"{part.name}\n{part.data.decode('utf-8', 'replace')}".strip()}
    data = base64.b64encode(part.data).decode()
    if part.media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{data}"}}
    if part.media_type.startswith("audio/"):
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO.get(part.media_type, "wav")}}
    return {"type": "file", "file": {"filename": part.name or "file", "file_data": f"data:{part.media_type};base64,{data}"}}
