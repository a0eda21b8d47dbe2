"""Encodings: found out where that is sure, else an error that names the byte."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SourceError
from lookalike.sources.encodings import encoding_of, text_of
from lookalike.sources.file import File
from lookalike.sources.folder import Folder

FRENCH = "Où est le café ? — « Là-bas », dit-elle… Ça coûte 5 €, créée à Noël.\n" * 3
RUSSIAN = "Чайник закипел быстро, и мы выпили чаю.\n" * 3
JAPANESE = "やかんはすぐに沸きました。お茶を飲みました。\n" * 3


@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_unicode_reads_back(text, encoding):
    """UTF-8 without a mark, and every Unicode encoding with one, give the text that was written.

    Texts that begin with a null are left out: in UTF-16 their first four bytes are the mark of UTF-32.
    """
    text = text.encode("utf-8", "ignore").decode().lstrip("\ufeff\0")
    assert text_of(text.encode(encoding), "a.txt") == text


def test_western_texts_are_windows_1252():
    """Accents alone or in pairs, dashes, quotes and the euro sign are read as what they are."""
    assert text_of(FRENCH.encode("cp1252"), "a.txt") == FRENCH
    assert encoding_of(("-" * 9 + "—" * 40 + "\nMüller\n").encode("cp1252"), "a.txt") == "cp1252"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (JAPANESE, "shift_jis"), ("text,label\n日本語のテキスト,a\n", "shift_jis"), (JAPANESE, "euc-jp"), ("水壶很快就烧开了。" * 9, "gb18030"),
     ("Ο βραστήρας έβρασε γρήγορα.", "cp1253"), ("הקומקום רתח מהר.", "cp1255"), ("غلت الغلاية بسرعة.", "cp1256")],
)  # fmt: skip
def test_other_encodings_are_asked_for(text, encoding):
    """Bytes that are no Western text are never turned into Western letters; said, they are read."""
    data = text.encode(encoding)
    with pytest.raises(SourceError, match=r"byte \d.*say `encoding:`"):
        encoding_of(data, "a.txt")
    assert text_of(data, "a.txt", encoding) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_named(encoding):
    """Its bytes would be UTF-8 full of zeros: the error says what to declare, and that reads it."""
    data = "text,label\nSchön,a\n".encode(encoding)
    with pytest.raises(SourceError, match=f"encoding: {encoding}"):
        encoding_of(data, "a.csv")
    assert text_of(data, "a.csv", encoding) == "text,label\nSchön,a\n"
    assert encoding_of(b"one\0zero in a long enough text", "a.csv") == "utf-8"


def test_a_packed_file_under_another_name_is_named(tmp_path):
    """Gzip is told by its first bytes, not taken for an unknown encoding."""
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"text\nfine\n"))
    with pytest.raises(SourceError, match="packed with gzip"):
        File(path="a.csv").read(tmp_path)


def test_half_a_character_in_json_is_an_error(tmp_path):
    """An emoji that was cut in two is no text; the column is named."""
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n{"text": "half \\ud83d"}\n')
    with pytest.raises(SourceError, match=r"column 'text' holds half a character \('\\ud83d'\)"):
        File(path="a.jsonl").read(tmp_path)


def test_broken_utf8_names_its_byte():
    """One bad byte in a UTF-8 text is an error with its place, not a text full of wrong letters."""
    data = FRENCH.encode()
    place = data.index(b" dit-elle")
    with pytest.raises(SourceError, match=rf"UTF-8 except for byte {place} \(0xff\)"):
        text_of(data[:place] + b"\xff" + data[place:], "a.txt")


def test_what_was_said_and_is_wrong_names_its_byte(tmp_path):
    """A declared encoding that does not fit, for text files, CSV and JSON; and one that nobody knows."""
    data = "name\nJosé\n".encode("cp1252")
    for name in ("a.txt", "a.csv"):
        (tmp_path / name).write_bytes(data)
    said = r"not utf-8: .* at byte 8 \(0xe9\)"
    with pytest.raises(SourceError, match=said):
        Folder(path=".", encoding="utf-8").read(tmp_path)
    with pytest.raises(SourceError, match=said):
        File(path="a.csv", encoding="utf-8").read(tmp_path)
    with pytest.raises(SourceError, match="unknown encoding 'utf-9'"):
        Folder(path=".", encoding="utf-9").read(tmp_path)
    (tmp_path / "a.json").write_bytes('[{"name": "José and Zoë, señor"}]'.encode() + b"\xff")
    with pytest.raises(SourceError, match=r"UTF-8 except for byte 36"):
        File(path="a.json").read(tmp_path)
    (tmp_path / "b.json").write_bytes('[{"name": "Чайник"}]'.encode("cp1251"))
    assert File(path="b.json", encoding="cp1251").read(tmp_path).to_pylist() == [{"name": "Чайник"}]
