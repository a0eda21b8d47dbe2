"""How the bytes of a text are written: said, found out, or an error that names the byte."""

from __future__ import annotations

import codecs
import re

from lookalike.errors import SourceError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_UNUSED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # no character of Windows-1252
_HIGH = re.compile(rb"[\x80-\xff]")
_KANA = re.compile(rb"[\x82\x83]")  # `‚` and `ƒ` in a Western text; where the kana begin in Shift-JIS
# letters beyond ASCII in a row: Western words have one or two; Cyrillic, Greek and Asian ones are made of them
_LONG = re.compile(rb"[\xa0-\xff]{3,}")


def text_of(data: bytes, where: str, encoding: str | None = None) -> str:
    """The text of some bytes.

    Args:
        data: a whole file.
        where: its name, for errors.
        encoding: said by the user; none: as `encoding_of` finds it.

    Raises:
        SourceError: bytes that the encoding does not have, with the offset of the first; an unknown encoding.
    """
    name = encoding or encoding_of(data, where)
    try:
        return data.decode(name)
    except LookupError as exc:
        raise SourceError(what=f"unknown encoding {name!r}", where=where, fix="use utf-8, cp1252, utf-16 ...") from exc
    except UnicodeDecodeError as exc:
        raise SourceError(
            what=f"the text is not {name}: {exc.reason} at byte {exc.start:,} (0x{data[exc.start]:02x})",
            where=where,
            fix="say another `encoding:`, or mend the file there",
        ) from exc


def encoding_of(data: bytes, where: str) -> str:
    """The encoding by its mark; else UTF-8 when all of it is; else Windows-1252 when it looks like a Western text in it.

    Raises:
        SourceError: UTF-16 without a mark, UTF-8 with broken places, or bytes that are no Western text: guessing would give wrong letters in silence.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if data.startswith(b"\x1f\x8b"):
        raise SourceError(what="it is packed with gzip", where=where, fix="end its name in .gz, or unpack it")
    zeros = [data[side:2000:2].count(0) for side in (0, 1)]
    if max(zeros) > max(1, len(data[:2000]) / 8, 4 * min(zeros)):
        raise SourceError(
            what="every second byte is zero, as in UTF-16 without its mark",
            where=where,
            fix=f"say `encoding: utf-16-{'be' if zeros[0] > zeros[1] else 'le'}`",
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as exc:
        place = f"byte {exc.start:,} (0x{data[exc.start]:02x})"
    else:
        return "utf-8"
    good = sum(map(len, _UTF8.findall(data)))
    high = len(_HIGH.findall(data))
    if good > high / 2:
        raise SourceError(
            what=f"the text is UTF-8 except for {place}", where=where, fix="mend it there, or say `encoding:` if it is another"
        )
    strange = sum(map(len, _LONG.findall(data))) > high / 4 or len(_KANA.findall(data)) > high / 8
    if strange or any(code in data for code in _UNUSED):
        raise SourceError(
            what=f"the encoding is not known: {place} is not UTF-8, and the text does not look Western",
            where=where,
            fix="say `encoding:`, such as cp1251, shift_jis or gb18030",
        )
    return "cp1252"
