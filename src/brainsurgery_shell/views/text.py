"""How wide text is, shortening it, and showing what a terminal would obey."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Where = Literal["end", "middle", "start"]
"""Where text is shortened."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The same on one line: what a terminal would obey (names come from files) stands as an escape."""
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def width(text: str) -> int:
    """Columns that printable text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, columns: int, ellipsis: str = "…", where: Where = "end") -> str:
    """``text`` in at most ``columns`` columns (at least 1), with an ellipsis for what was left out."""
    if width(text) <= columns:
        return text
    room = columns - 1
    if where == "end":
        return _head(text, room) + ellipsis
    if where == "start":
        return ellipsis + _tail(text, room)
    return _head(text, room // 2) + ellipsis + _tail(text, room - room // 2)


def _head(text: str, columns: int) -> str:
    """As much of the beginning as fits."""
    used = 0
    for at, char in enumerate(text):
        used += _columns(char)
        if used > columns:
            return text[:at]
    return text


def _tail(text: str, columns: int) -> str:
    """As much of the end as fits."""
    used = 0
    for at in range(len(text) - 1, -1, -1):
        used += _columns(text[at])
        if used > columns:
            return text[at + 1 :]
    return text
