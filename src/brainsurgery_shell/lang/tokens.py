"""A line as tokens, right or wrong: for colours, completion and redirects, which live with unfinished lines.

The ``Walker`` knows at each token what the grammar wants there and in which lists and maps it stands. For a
line that parses, its tokens are the parser's; in any other it marks what does not fit and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from brainsurgery_shell.lang import scan


class Kind(Enum):
    """What a token is."""

    BLANK = "blank"
    NAME = "name"
    KEY = "key"
    COLON = "colon"
    COMMA = "comma"
    OPEN = "open"
    CLOSE = "close"
    QUOTED = "quoted"
    BARE = "bare"
    COMMENT = "comment"
    ERROR = "error"


class Place(Enum):
    """What may stand at a place of a line."""

    NAME = "name"
    """The command's name."""
    COLON = "colon"
    """A name or key is complete: its colon, or behind a command's name the end."""
    PAYLOAD = "payload"
    """Behind the name's colon: a key, or a value for the primary parameter."""
    KEY = "key"
    VALUE = "value"
    AFTER = "after"
    """A value is complete: a comma, a closing bracket, or the end."""
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the line, and what was wanted where it stands."""

    kind: Kind
    start: int
    end: int
    place: Place


@dataclass(slots=True)
class Frame:
    """A list or map that is open at some place; ``opener`` is empty for pairs without braces."""

    opener: str
    keys: list[str] = field(default_factory=list)
    index: int = 0
    values: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where the values of complete pairs begin and end."""
    value_start: int = 0

    @property
    def is_list(self) -> bool:
        """Whether it holds items, not pairs."""
        return self.opener == "["


@dataclass(slots=True)
class Walker:
    """Goes through ``text``; afterwards ``place`` and ``frames`` say what its end is."""

    text: str
    place: Place = Place.NAME
    frames: list[Frame] = field(default_factory=list)
    name: str | None = None
    depth: int = 0
    """How many brackets are open."""

    def tokens(self) -> Iterator[Token]:
        """All tokens: they cover the text without gaps."""
        position = 0
        while position < len(self.text):
            place = self.place
            kind, end = self._next(position)
            yield Token(kind, position, end, place)
            position = end

    def _next(self, position: int) -> tuple[Kind, int]:
        char = self.text[position]
        if char in scan.BLANKS:
            return Kind.BLANK, scan.after_blanks(self.text, position)
        if self.depth == 0 and scan.is_comment(self.text, position):
            self.place = Place.COMMENT
            return Kind.COMMENT, len(self.text)
        if self.place is Place.NAME:
            return self._name(position)
        if char in "[{":
            return self._open(position)
        if char in "]}":
            return self._close(position)
        if char == ",":
            return self._comma(position)
        if char == ":" and self.place is Place.COLON:
            self.place = Place.VALUE if self.frames else Place.PAYLOAD
            return Kind.COLON, position + 1
        if self.place in (Place.KEY, Place.PAYLOAD, Place.AFTER):
            key = self._key(position)
            if key is not None:
                return Kind.KEY, key
        return self._scalar(position)

    def _name(self, position: int) -> tuple[Kind, int]:
        end = scan.name_end(self.text, position)
        if end == position:
            if self.text[position] in "[{":
                return self._open(position)
            return Kind.ERROR, self._junk_end(position)
        self.name, self.place = self.text[position:end], Place.COLON
        return Kind.NAME, end

    def _open(self, position: int) -> tuple[Kind, int]:
        if self.place is Place.VALUE and self.frames:
            self.frames[-1].value_start = position
        self.frames.append(Frame(self.text[position]))
        self.depth += 1
        self.place = Place.VALUE if self.text[position] == "[" else Place.KEY
        return Kind.OPEN, position + 1

    def _close(self, position: int) -> tuple[Kind, int]:
        fits = self.frames and scan.CLOSER.get(self.frames[-1].opener) == self.text[position]
        if not fits:
            return Kind.ERROR, position + 1
        self.frames.pop()
        self.depth -= 1
        self._complete(position + 1)
        return Kind.CLOSE, position + 1

    def _comma(self, position: int) -> tuple[Kind, int]:
        fits = self.place is Place.AFTER and bool(self.frames)
        if self.frames:
            frame = self.frames[-1]
            frame.index += 1
            self.place = Place.VALUE if frame.is_list else Place.KEY
        return (Kind.COMMA if fits else Kind.ERROR), position + 1

    def _key(self, position: int) -> int | None:
        """A key with its colon, or one that is still being typed; the end of the name."""
        key = scan.key_at(self.text, position)
        typing = self.place is Place.KEY and scan.name_end(self.text, position) == len(self.text)
        if key is None:
            return len(self.text) if typing else None
        if not self.frames:
            self.frames.append(Frame(""))
        frame = self.frames[-1]
        if frame.is_list:
            return None
        frame.keys.append(key[0])
        self.place = Place.COLON
        return position + len(key[0])

    def _scalar(self, position: int) -> tuple[Kind, int]:
        if self.place not in (Place.VALUE, Place.PAYLOAD):
            return Kind.ERROR, self._junk_end(position)
        nested = scan.key_at(self.text, position)
        if nested is not None:
            return Kind.ERROR, nested[1]
        if self.frames:
            self.frames[-1].value_start = position
        if self.text[position] in scan.QUOTES:
            end = scan.quoted_end(self.text, position)
            kind = Kind.QUOTED
        else:
            bare = scan.bare_end(self.text, position)
            end, kind = (bare.end, Kind.BARE) if bare.fault is None else (bare.end, Kind.ERROR)
        if end is None:
            return Kind.ERROR, len(self.text)
        self._complete(end)
        return kind, end

    def _complete(self, end: int) -> None:
        """A value ends here."""
        self.place = Place.AFTER
        if self.frames and self.frames[-1].keys:
            frame = self.frames[-1]
            frame.values[frame.keys[-1]] = (frame.value_start, end)

    def _junk_end(self, position: int) -> int:
        """The end of what does not fit: one scalar, so that its quotes and brackets stay together."""
        return max(scan.value_end(self.text, position), position + 1)


def tokens(text: str) -> list[Token]:
    """The tokens of one line."""
    return list(Walker(text).tokens())
