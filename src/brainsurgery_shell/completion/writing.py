"""How a value is written at the cursor: what stands there is kept, quotes come where OLY needs them."""

from __future__ import annotations

import re

from brainsurgery_shell.completion.candidates import Candidate
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.position import Position
from brainsurgery_shell.lang.printer import print_string
from brainsurgery_shell.lang.scalars import TooLongError, resolve

_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"'}


class Pen:
    """Writes candidates at one position."""

    def __init__(self, position: Position, rest: str) -> None:
        self.position = position
        self.typed = position.text
        """What of the value stands before the cursor, without quotes."""
        self._rest = rest
        self._blank = " " if position.needs_blank else ""

    def plain(
        self, insert: str, display: str, meta: str = "", *, final: bool = False, variant: bool = False
    ) -> Candidate:
        """A candidate that replaces what was typed, as it stands."""
        return Candidate(self._blank + insert, len(self.position.raw), display, meta, final, variant)

    def value(
        self,
        text: str,
        display: str,
        meta: str = "",
        *,
        final: bool = True,
        segment: bool = False,
        quoted: bool = False,
        variant: bool = False,
    ) -> Candidate:
        """A string; if not ``final``, the user goes on writing it.

        A ``segment`` may be a number; what is to be ``quoted`` is so even where it could stand bare.
        """
        quote = self.position.quote
        if not final:
            text = _without_overlap(text, self._rest)
        if quote:
            insert = self._within(quote, text, final)
        elif not quoted and (
            _stands_bare(text if final else text + "x") or (segment and final and _is_digits(text))
        ):
            insert = text
        else:
            quote = '"' if scan.CONTROL.search(text) else "'"
            insert = quote + _encoded(text, quote) + (quote if final else "")
        return self.plain(insert, display, meta, final=final, variant=variant)

    def _within(self, quote: str, text: str, final: bool) -> str:
        """The text inside the quote that is open; what was typed of it stays as it is."""
        if quote == "'" and scan.line_break(text) is not None:
            quote = '"'
        raw = self.position.raw
        keeps = raw.startswith(quote) and text.startswith(self.typed) and not raw.endswith("\\")
        body = raw + _encoded(text[len(self.typed) :], quote) if keeps else quote + _encoded(text, quote)
        return body + quote if final and not _closed_behind(self._rest, quote) else body


def _without_overlap(text: str, rest: str) -> str:
    """The text without the separator at its end that stands behind the cursor already."""
    for separator in (r"\.", ".", "::"):
        if rest.startswith(separator) and text.endswith(separator):
            return text.removesuffix(separator)
    return text


def _closed_behind(rest: str, quote: str) -> bool:
    """Whether the quote that is open is closed by one behind the cursor, at the end of the same word."""
    word = re.match(r"[^\s,'\"]*", rest)
    return word is not None and rest.startswith(quote, word.end())


def _stands_bare(text: str) -> bool:
    return print_string(text) == text


def _is_digits(text: str) -> bool:
    """Whether OLY reads the text as a whole number with exactly these digits."""
    try:
        number = resolve(text)
    except TooLongError:
        return False
    return type(number) is int and str(number) == text


def _encoded(text: str, quote: str) -> str:
    r"""Text inside quotes. In double ones a backslash is doubled only where it would escape something."""
    if quote == "'":
        return text.replace("'", "''")
    parts = []
    for index, char in enumerate(text):
        if char == "\\" and text[index + 1 : index + 2] in ("", *'\\"nrt\n\r\t'):
            parts.append("\\\\")
        else:
            parts.append(_ESCAPED.get(char, char))
    return "".join(parts)
