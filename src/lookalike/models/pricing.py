"""Tokens and money of a reply. Prices come from the recipe; what is not known stays unknown, never 0."""

from __future__ import annotations

from lookalike.models.base import Model, Request, Usage


def usage(model: Model, prompt_tokens: int, completion_tokens: int, *, cached: int = 0, written: int = 0) -> Usage:
    """Tokens with what they cost at the model's price.

    Args:
        model: gives the price.
        prompt_tokens: all of the prompt, those of the cache included.
        completion_tokens: of the reply.
        cached: how many of the prompt the provider read from its cache.
        written: how many of the prompt it put there.
    """
    usd = model.usd(prompt_tokens, completion_tokens)
    if usd is not None and model.price is not None and (cached or written):
        cached = min(max(cached, 0), prompt_tokens)  # more than the prompt, as some gateways say, would give money back
        written = min(max(written, 0), prompt_tokens - cached)
        usd += model.price.beside_input(cached, written)
    return Usage(prompt_tokens, completion_tokens, usd)


TOKENS_MAX = 1_000_000_000  # of one call: more than any model reads or writes


def believable(*tokens: int) -> bool:
    """Whether a server's count of tokens can be true."""
    return all(0 <= count <= TOKENS_MAX for count in tokens)


def tokens_of(text: str) -> int:
    """About how many tokens a text has, for what no server counted: a quarter of its UTF-8 bytes, at least 1."""
    return max(1, len(text.encode()) // 4)


def counted(request: Request, said: str) -> tuple[int, int]:
    """About how many tokens a request and its answer have, where the server does not say."""
    asked = [message.content for message in request.messages] if request.messages else [request.text]
    return sum(map(tokens_of, asked)), tokens_of(said)
