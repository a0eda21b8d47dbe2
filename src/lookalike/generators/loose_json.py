"""JSON as models write it: comments, single quotes, quotes inside texts, commas too many or too few, an end that is missing.

One pass in which each sign is looked at a bounded number of times: what a server sends costs no more than it weighs.
"""

from __future__ import annotations

import math
import re
from typing import Any

DEPTH_MAX = 100  # lists and objects inside each other
_CLOSING = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
_SKIP = re.compile(r"(?:[\s,;]|//[^\n]*|\#[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z))*")
_ESCAPED = re.compile(r'[\[{]\s*\\"')
_BARE_KEY = re.compile(r"[^\s:=,{}\[\]\"']+")
_AFTER_KEY = re.compile(r"\s*(?::|=>?)")
_BARE = re.compile(r"[^,\]}\n]*")
_COMMENT = re.compile(r"(?<=\s)(?://|/\*|#\s)")
_INTEGER = re.compile(r"[+-]?\d{1,400}")
_QUOTE = r"[\"'“‘]"
# what follows a quote that ends a text; any other quote is part of it
_ENDS = {
    "key": _AFTER_KEY,
    "object": re.compile(
        rf"\s*(?:[}}\]]|//|/\*|\Z|,\s*(?:{_QUOTE}|[}}\]]|//|/\*|\Z|[\w$-]{{1,60}}\s*:)|{_QUOTE}[^\"'\n]{{1,60}}[\"'”’]\s*:)"
    ),
    "array": re.compile(rf"\s*(?:[}}\]]|//|/\*|\Z|{_QUOTE}|,\s*(?:{_QUOTE}|[\[\]{{}}]|//|/\*|\Z|-?\d|[Ttfn][rauo][ulin]))"),
}
_UNICODE = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})")
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "/": "/", "\\": "\\", "\n": "\n"}
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None}


def loose(text: str) -> Any:
    """The value of a text that begins with `{` or `[`; what follows it does not count.

    Raises:
        ValueError: it is too deep, or nothing can be made of it.
    """
    if _ESCAPED.match(text):  # `{\"a\": 1}`: escaped once too often
        text = text.replace('\\"', '"')
    return _Reader(text).value("", 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.open = {"object": 0, "array": 0}

    def value(self, inside: str, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise ValueError(f"it is nested more than {DEPTH_MAX} deep")
        sign = self.text[self.at : self.at + 1]
        if sign == "{":
            return self._object(depth)
        if sign == "[":
            return self._array(depth)
        return self._text(inside) if sign in _CLOSING else self._bare()

    def _more(self, inside: str) -> bool:
        """Whether another item follows; takes the closing sign away, and one that closes nothing."""
        ends, other = ("}", "]") if inside == "object" else ("]", "}")
        while True:
            self.at = _SKIP.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches the empty text too
            sign = self.text[self.at : self.at + 1]
            if sign == other and not self.open["array" if inside == "object" else "object"]:
                self.at += 1
                continue
            if sign == ends:
                self.at += 1
            if not sign or sign in (ends, other):
                self.open[inside] -= 1
                return False
            return True

    def _array(self, depth: int) -> list[Any]:
        self.at += 1
        self.open["array"] += 1
        found: list[Any] = []
        while self._more("array"):
            found.append(self.value("array", depth + 1))
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        self.at += 1
        self.open["object"] += 1
        found: dict[str, Any] = {}
        while self._more("object"):
            name = self._key()
            colon = _AFTER_KEY.match(self.text, self.at)
            if colon is None:
                if self.text[self.at :].strip():
                    raise ValueError(f"the key {name[:40]!r} has no value")
                break  # cut off in a key
            self.at = colon.end()
            while self.text[self.at : self.at + 1].isspace():
                self.at += 1
            empty = self.text[self.at : self.at + 1] in ("", ",", "}")
            found[name] = None if empty else self.value("object", depth + 1)
        return found

    def _key(self) -> str:
        if self.text[self.at] in _CLOSING:
            return self._text("key")
        bare = _BARE_KEY.match(self.text, self.at)
        if bare is None:
            raise ValueError(f"{self.text[self.at : self.at + 20]!r} stands where a key is wanted")
        self.at = bare.end()
        return bare[0]

    def _text(self, inside: str) -> str:
        """A quoted text; a quote in the middle of it does not end it."""
        closing = _CLOSING[self.text[self.at]]
        special = re.compile(rf'[\\{closing}"]' if closing == "”" else rf"[\\{closing}]")
        pieces: list[str] = []
        start = self.at + 1
        while (found := special.search(self.text, start)) is not None:
            pieces.append(self.text[start : found.start()])
            start = found.end()
            if found[0] == "\\":
                piece, start = self._escape(found.start())
                pieces.append(piece)
            elif _ENDS[inside].match(self.text, start):
                self.at = start
                return "".join(pieces)
            else:
                pieces.append(found[0])
        self.at = len(self.text)  # its end is missing
        pieces.append(self.text[start:])
        return "".join(pieces).rstrip(" \n\t}]")

    def _escape(self, at: int) -> tuple[str, int]:
        code = _UNICODE.match(self.text, at)
        if code is not None:
            pair = code[1] is not None
            point = 0x10000 + (int(code[1], 16) - 0xD800) * 0x400 + int(code[2], 16) - 0xDC00 if pair else int(code[3], 16)
            return chr(point), code.end()
        sign = self.text[at + 1 : at + 2]
        return _SIGNS.get(sign, "\\" + sign), at + 2  # `\alpha` is LaTeX, not an escape

    def _bare(self) -> Any:
        found = _BARE.match(self.text, self.at)
        word = found[0].strip() if found else ""
        if found is None or word in ("", "...", "…"):
            raise ValueError(f"{self.text[self.at : self.at + 20]!r} stands where a value is wanted")
        self.at = found.end()
        if (comment := _COMMENT.search(word)) is not None:
            word = word[: comment.start()].rstrip()
        if word.casefold() in _WORDS:
            return _WORDS[word.casefold()]
        if _INTEGER.fullmatch(word):
            return int(word)
        try:
            number = float(word)
        except ValueError:
            return word
        return number if math.isfinite(number) else word
