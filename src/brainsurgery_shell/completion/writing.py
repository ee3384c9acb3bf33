"""How a value is written at the cursor: what stands there is kept, quotes come where OLY needs them."""

from __future__ import annotations

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

    def plain(self, insert: str, display: str, meta: str = "") -> Candidate:
        """A candidate that replaces what was typed, as it stands."""
        return Candidate(self._blank + insert, len(self.position.raw), display, meta)

    def value(
        self, text: str, display: str, meta: str = "", *, final: bool = True, segment: bool = False
    ) -> Candidate:
        """A string; if not ``final``, the user goes on writing it. A ``segment`` may be a number."""
        quote = self.position.quote
        if quote:
            return self.plain(self._within(quote, text, final), display, meta)
        bare = _stands_bare(text if final else text + "x")
        if bare or (segment and final and _is_digits(text)):
            return self.plain(text, display, meta)
        quote = '"' if scan.CONTROL.search(text) else "'"
        return self.plain(quote + _encoded(text, quote) + (quote if final else ""), display, meta)

    def _within(self, quote: str, text: str, final: bool) -> str:
        """The text inside the quote that is open; what was typed of it stays as it is."""
        if quote == "'" and scan.line_break(text) is not None:
            quote = '"'
        raw = self.position.raw
        keeps = raw.startswith(quote) and text.startswith(self.typed) and not raw.endswith("\\")
        body = raw + _encoded(text[len(self.typed) :], quote) if keeps else quote + _encoded(text, quote)
        closed = final and not self._rest.startswith(quote)
        return body + quote if closed else body


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
