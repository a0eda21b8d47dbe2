"""Saved models that were damaged or planted on the way."""

import orjson
import pytest

import lookalike as la
from lookalike.errors import RunError, SynthesizerError


@pytest.fixture
def saved(tmp_path):
    la.fit({"a": [1, 2, 3, 4] * 10, "b": ["x", "y"] * 20}, synthesizer="independent").save(tmp_path / "m")
    return tmp_path / "m"


@pytest.mark.parametrize(
    "body",
    [{}, {"format": "1"}, {"format": 99}, {"digest": None}, {"shapes": 3}, {"shapes": {"x": [1_800_000_000]}}, {"meta": []}],
)  # fmt: skip
def test_a_changed_model_is_refused_before_anything_is_allocated(saved, body):
    """Whatever is changed in a saved model is one error that names it and says what to do."""
    path = saved / "model.json"
    whole = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps({**whole, **body} if body else {}))
    with pytest.raises(SynthesizerError) as caught:
        la.Synthesizer.load(saved)
    assert caught.value.where
    assert caught.value.fix


@pytest.mark.parametrize("name", ["model.json", "arrays.arrow"])
def test_a_flipped_byte_of_a_model_is_refused(saved, name):
    """A model whose bytes are not those that were saved is never sampled."""
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / name).write_bytes(data)
    with pytest.raises(SynthesizerError, match="damaged"):
        la.Synthesizer.load(saved)


def test_a_model_is_not_saved_through_a_link(saved, tmp_path):
    """A link in the place of a model's folder is refused by name, and what it points at stays."""
    (tmp_path / "link").symlink_to(saved)
    before = (saved / "model.json").read_bytes()
    with pytest.raises(RunError, match="symbolic link"):
        la.Synthesizer.load(saved).save(tmp_path / "link")
    assert (saved / "model.json").read_bytes() == before
