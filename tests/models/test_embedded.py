"""llama.cpp in this process, for real, with the smallest model."""

import numpy as np
import orjson
import pytest

from lookalike.errors import MissingModel
from lookalike.models.base import CallFailed, MediaPart, Message, Request
from lookalike.models.catalogue import entry
from lookalike.models.embedded import Embedded

from .conftest import ask, request

SCHEMA = {
    "type": "object",
    "properties": {"stars": {"type": "integer", "minimum": 1, "maximum": 5}, "mood": {"enum": ["glad", "sad"]}},
    "required": ["stars", "mood"],
    "additionalProperties": False,
}
weights = pytest.mark.skipif(not entry("smollm2-135m").here, reason="lookalike models pull smollm2-135m")


@weights
@pytest.mark.model
@pytest.mark.slow
def test_equal_seeds_give_equal_texts_in_any_order_on_any_engine():
    """Six requests forwards on one engine and backwards on two give the same six texts, and six different ones."""
    wanted = [
        request(f"Name a {thing}.", seed=n, max_tokens=8)
        for n, thing in enumerate(["pot", "cat", "tree", "car", "hat", "dish"])
    ]
    *forwards, state = ask(Embedded(model="smollm2-135m", engines=1), *wanted)
    *backwards, _ = ask(Embedded(model="smollm2-135m", engines=2), *wanted[::-1])
    assert [reply.text for reply in forwards] == [reply.text for reply in backwards[::-1]]
    assert len({reply.text for reply in forwards}) == 6
    assert (state.usd, forwards[0].served_by) == (0.0, "smollm2-135m")
    assert forwards[0].usage.completion_tokens == 8
    assert forwards[0].finish == "length"


@weights
@pytest.mark.model
@pytest.mark.slow
def test_schemas_and_choices_hold_whatever_the_model_wants():
    """Decoding is constrained: integers in their range, enum values, exactly one of the choices, also with quotes and accents."""
    choices = ('say "yes"', "café", "line\nbreak")
    asked = [request("Rate it with 2018 stars.", schema=SCHEMA, seed=n, max_tokens=60) for n in range(3)]
    asked += [request("Which one?", choices=choices, seed=n, max_tokens=20) for n in range(3)]
    *replies, _ = ask(Embedded(model="smollm2-135m", engines=1), *asked)
    for reply in replies[:3]:
        body = orjson.loads(reply.text)
        assert 1 <= body["stars"] <= 5
        assert body["mood"] in ("glad", "sad")
    assert all(reply.text in choices for reply in replies[3:])


@weights
@pytest.mark.model
@pytest.mark.slow
def test_what_it_cannot_do_fails_the_cell_and_not_the_lane():
    """A prompt longer than the context is refused with its reason; the next call works."""
    model = Embedded(model="smollm2-135m", engines=1, context=256)
    long, reply, _ = ask(model, request("word " * 400), request("Hi", max_tokens=4, seed=1))
    assert isinstance(long, CallFailed)
    assert "context" in str(long)
    assert reply.text


@weights
@pytest.mark.model
@pytest.mark.slow
def test_files_of_text_are_read_and_images_refused():
    """A text part is part of the prompt, whatever its type is called; an image fails its cell with the reason."""
    model = Embedded(model="smollm2-135m", engines=1, context=512)
    words = MediaPart("application/json", b'{"word": "kettle"}' * 10, "a.json")
    plain = Request("m", (Message("user", "Say hi."),), max_tokens=2, seed=1)
    filed = Request("m", (Message("user", "Say hi.", (words,)),), max_tokens=2, seed=1)
    seen = Request("m", (Message("user", "Look.", (MediaPart("image/png", b"png"),)),), max_tokens=2, seed=1)
    short, long, failure, _ = ask(model, plain, filed, seen)
    assert long.usage.prompt_tokens > short.usage.prompt_tokens + 40
    assert isinstance(failure, CallFailed)
    assert "reads text only" in str(failure)


@weights
@pytest.mark.model
@pytest.mark.slow
def test_a_language_model_embeds_by_the_mean_of_its_states():
    """Texts on one subject point more alike than texts on two, and the same text gives the same vector again."""
    model = Embedded(model="smollm2-135m", engines=1, context=256)
    texts = ("The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose by two percent.")
    cat, kitten, rates, again, _ = ask(model, *(Request("m", operation="embed", text=text) for text in (*texts, texts[0])))
    assert again.vector == cat.vector
    assert np.dot(cat.vector, kitten.vector) > np.dot(cat.vector, rates.vector) + 0.05


def test_a_file_that_is_no_model_says_so(tmp_path):
    """A wrong file is found by its first bytes, before llama.cpp reads it."""
    path = tmp_path / "wrong.gguf"
    path.write_bytes(b"PK\x03\x04 a zip")
    with pytest.raises(MissingModel, match="no GGUF file"):
        Embedded(model=str(path)).open()


@pytest.mark.model
@pytest.mark.slow
def test_a_damaged_model_says_so(tmp_path):
    """A GGUF file that is cut off cannot be loaded, and the error names it."""
    path = tmp_path / "cut.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\x00" * 64)
    with pytest.raises(MissingModel, match=r"cut\.gguf"):
        Embedded(model=str(path), engines=1).open()
