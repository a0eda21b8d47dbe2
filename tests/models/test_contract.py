"""Every model kind keeps the contract."""

import pytest

from lookalike.models.anthropic import Anthropic
from lookalike.models.batch import BatchServer
from lookalike.models.embedded import Embedded
from lookalike.models.gemini import Gemini
from lookalike.models.http import Http
from lookalike.models.ngram import Ngram
from lookalike.models.openai import OpenAI
from lookalike.models.scripted import Scripted
from lookalike.registry import kinds, resolve
from lookalike.testing.models import check_model

from .conftest import SHORT

CHECKED = {"openai", "anthropic", "gemini", "batch", "embedded", "scripted", "ngram", "http"}


def test_every_kind_is_checked_here():
    """A new kind comes with its line in this file."""
    assert set(kinds("model")) == CHECKED


@pytest.mark.parametrize("structured", ["auto", "native", "prompt"])
def test_openai(server, structured):
    """Any OpenAI-compatible server."""
    model = OpenAI(base_url=server.url, model="test", structured=structured, patience=SHORT)
    check_model(model, operations=("chat", "complete", "embed"), structured=structured != "prompt")


def test_anthropic(server):
    """Messages only."""
    check_model(Anthropic(base_url=server.url, model="test", api_key="k", patience=SHORT))


def test_gemini(server):
    """Chat and embeddings."""
    check_model(Gemini(base_url=server.url, model="test", api_key="k", patience=SHORT), operations=("chat", "embed"))


def test_batch(server, tmp_path, monkeypatch):
    """Files and batches."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))
    model = BatchServer(base_url=server.url, model="test", linger_s=0, poll_s=0.01)
    check_model(model, operations=("chat", "complete", "embed"))


def test_http(server):
    """A service of one's own: JSON in, JSON out."""
    check_model(Http(url=f"{server.url}/check"), operations=("complete",), structured=False)


def test_scripted():
    """The fake that ships."""
    check_model(Scripted(), operations=("chat", "complete", "embed"))


def test_ngram():
    """Embeddings only."""
    check_model(Ngram(), operations=("embed",))


@pytest.mark.model
@pytest.mark.slow
def test_embedded():
    """llama.cpp, for real."""
    check_model(Embedded(model="smollm2-135m", engines=1), operations=("chat", "complete", "embed"))


@pytest.mark.parametrize("kind", sorted(CHECKED))
def test_every_kind_has_a_schema_for_editors(kind):
    """Fields that YAML may set are in the JSON Schema; Python-only ones are not."""
    properties = resolve("model", kind).model_json_schema()["properties"]
    assert "retries" in properties
    assert "function" not in properties


def test_a_model_that_breaks_the_contract_is_found():
    """The suite can fail: a reply that is none of the choices."""
    with pytest.raises(AssertionError, match="none of the choices"):
        check_model(Scripted(replies=('{"stars": 3}',)), operations=("chat", "complete", "embed"))
