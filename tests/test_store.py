import errno

import pytest

from lookalike import api
from lookalike.errors import RunError
from lookalike.store import check_writable, clear_leftovers, disk_errors, put, put_bytes, sha256


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
