import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lookalike import api
from lookalike.errors import RunError
from lookalike.store import (
    BLANK,
    STAMP,
    check_writable,
    clear_leftovers,
    disk_errors,
    put,
    put_bytes,
    put_json,
    read_json,
    refuse_links,
    sha256,
    stamped,
    whole,
)


def test_a_file_is_complete_or_not_there(tmp_path):
    """A writer that fails half way leaves the old file and no leftovers."""
    path = tmp_path / "a" / "part.bin"
    put_bytes(path, b"old")

    def fail(file):
        file.write(b"half")
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        put(path, fail)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["part.bin"]


def test_of_two_writers_the_first_wins(tmp_path):
    """Put-if-absent says who was first and keeps that file."""
    path = tmp_path / "part"
    assert put(path, lambda file: file.write(b"first"), replace=False)
    assert not put(path, lambda file: file.write(b"second"), replace=False)
    assert path.read_bytes() == b"first"


def test_a_full_disk_is_one_clear_error(tmp_path):
    """ENOSPC says that the disk is full, where, and that nothing answered is lost."""
    with pytest.raises(RunError, match="disk is full") as caught, disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "same command again" in caught.value.fix
    assert caught.value.exit_code == 6


def test_leftovers_of_a_killed_run_are_removed(tmp_path):
    """Half-written files are not taken for data."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / ".part-00000.parquet.123.part").write_bytes(b"x")
    (tmp_path / "t" / "part-00001.parquet").write_bytes(b"y")
    assert clear_leftovers(tmp_path) == 1
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["part-00001.parquet"]


def test_digests_are_of_the_content(tmp_path):
    """Equal content, equal digest."""
    put_bytes(tmp_path / "a", b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path):
    """A file in the way of a folder stops a long fit before it begins; folders that are still to be made do not."""
    check_writable(tmp_path / "new" / "deep" / "out.csv")
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="Not a directory"):
        check_writable(tmp_path / "file" / "out.csv")
    said = []
    with pytest.raises(RunError, match="Not a directory"):
        api.mimic_file({"a": [1, 2] * 20}, tmp_path / "file" / "out.csv", synthesizer="independent", say=said.append)
    assert said == []


@given(before=st.binary(), after=st.binary(max_size=20), at=st.integers(0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_told_by_the_checksum(before, after, at, bit):
    """Bytes with a checksum are whole; with one bit of them flipped they are not, or carry none."""
    data = stamped(before + f'"{STAMP}":"{BLANK}"'.encode() + after)
    assert whole(data)
    flipped = bytearray(data)
    flipped[at % len(data)] ^= 1 << bit
    assert not whole(bytes(flipped))


def test_bytes_without_a_checksum_say_nothing():
    """Where no checksum is, nothing is claimed."""
    assert whole(b"plain") is None


class Shape(BaseModel):
    name: str
    parts: list[int]


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"{", "unexpected end"), (b"[]", "valid dictionary"), (b'{"name": "a"}', "parts: Field required"),
     (b'{"name": "a", "parts": [1, "2"]}', r"parts\.1: .*integer"), (b"\xff", "damaged")],
)  # fmt: skip
def test_a_file_of_another_shape_is_one_error_with_its_place(tmp_path, text, said):
    """What is wrong with a JSON file is said with the file, the place in it and what to do."""
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(RunError, match=said) as caught:
        read_json(path, Shape, fix="write it again")
    assert (caught.value.where, caught.value.fix) == (str(path), "write it again")


def test_plain_data_comes_back_as_it_was_put(tmp_path):
    """What `put_json` writes `read_json` gives, keys beyond the shape included; a changed digit is told."""
    body = {"name": "a", "parts": [1, 2], "more": None}
    put_json(tmp_path / "a.json", body)
    assert read_json(tmp_path / "a.json", Shape, fix="") == body
    data = (tmp_path / "a.json").read_bytes()
    (tmp_path / "a.json").write_bytes(data.replace(b"2\n", b"3\n"))
    with pytest.raises(RunError, match="not those that were written"):
        read_json(tmp_path / "a.json", Shape, fix="")


def test_nothing_is_written_through_a_link(tmp_path):
    """A link in the place of a file is refused by name, and one anywhere in a folder that is asked about."""
    (tmp_path / "decoy").write_bytes(b"mine")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "out").symlink_to(tmp_path / "decoy")
    with pytest.raises(RunError, match="symbolic link"):
        put_bytes(tmp_path / "to" / "out", b"x")
    with pytest.raises(RunError, match="symbolic link") as caught:
        refuse_links(tmp_path)
    assert caught.value.where == str(tmp_path / "to" / "out")
    assert (tmp_path / "decoy").read_bytes() == b"mine"
