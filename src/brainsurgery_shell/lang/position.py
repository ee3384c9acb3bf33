"""Where the cursor is in a line that is still being written: what completion and colours ask.

The answer comes from the tokens before the cursor, so there is one for every text, right or wrong; what
stands behind the cursor does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brainsurgery_shell.errors import OlySyntaxError
from brainsurgery_shell.lang import scan
from brainsurgery_shell.lang.parser import parse_value
from brainsurgery_shell.lang.tokens import Frame, Kind, Place, Token, Walker
from brainsurgery_shell.lang.tree import Node

_WORDS = (Kind.NAME, Kind.KEY, Kind.BARE, Kind.ERROR)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a line."""

    place: Place
    """What may stand here."""
    command: str | None
    """The command's name, if it is complete."""
    path: tuple[str | int, ...]
    """Keys and indexes of lists that lead here; for a key, those of its mapping."""
    raw: str
    """What of the name, key or value stands before the cursor, as written."""
    text: str
    """The same without its quotes."""
    start: int
    """Where that begins (0-based); the cursor's place if nothing is written yet."""
    quote: str
    """The quote that is open: ``"``, ``'`` or nothing."""
    used: tuple[str, ...]
    """The keys before the cursor in the mapping around it."""
    given: dict[str, Node] = field(default_factory=dict)
    """The complete parameters before the cursor: the payload's own pairs."""
    needs_blank: bool = False
    """Whether a blank must come before a bare word here, as directly behind a colon."""
    frames: tuple[str, ...] = ()
    """How the lists and maps around the cursor open, from the outside; empty for pairs without braces."""


def parse_prefix(text: str, cursor: int) -> Position:
    """Where the cursor is, looking at ``text[:cursor]``."""
    prefix = text[:cursor]
    walker = Walker(prefix)
    tokens = list(walker.tokens())
    last = tokens[-1] if tokens else None
    if last is None or last.kind is Kind.BLANK:
        return _position(walker, walker.place, len(prefix))
    if last.kind in _WORDS:
        quote = prefix[last.start] if prefix[last.start] in scan.QUOTES else ""
        return _position(walker, last.place, last.start, quote, partial=True)
    if last.kind is Kind.COLON:
        return _after_colon(walker, tokens)
    return _position(walker, walker.place, len(prefix))


def _after_colon(walker: Walker, tokens: list[Token]) -> Position:
    """Directly behind a colon: what looks like a payload's first key may still become ``alias::name``."""
    before = tokens[-2]
    if before.kind is Kind.KEY and before.place is Place.PAYLOAD:
        walker.frames.clear()
        return _position(walker, Place.PAYLOAD, before.start, partial=True)
    return _position(walker, walker.place, len(walker.text), needs_blank=True)


def _position(
    walker: Walker,
    place: Place,
    start: int,
    quote: str = "",
    partial: bool = False,
    needs_blank: bool = False,
) -> Position:
    raw, frames = walker.text[start:], walker.frames
    inner = next((frame for frame in reversed(frames) if not frame.is_list), None)
    return Position(
        place=place,
        command=None if place is Place.NAME else walker.name,
        path=_path(frames, place),
        raw=raw,
        text=scan.unquote_open(raw) if quote else raw,
        start=start,
        quote=quote,
        used=tuple(inner.keys) if inner else (),
        given=_given(walker, partial),
        needs_blank=needs_blank,
        frames=tuple([frame.opener for frame in frames]),
    )


def _path(frames: list[Frame], place: Place) -> tuple[str | int, ...]:
    around = frames if place is Place.VALUE else frames[:-1]
    return tuple(
        [frame.index if frame.is_list else frame.keys[-1] for frame in around if frame.is_list or frame.keys]
    )


def _given(walker: Walker, partial: bool) -> dict[str, Node]:
    """The payload's own pairs that are complete, without the value at which the cursor stands."""
    if not walker.frames or walker.frames[0].is_list:
        return {}
    root = walker.frames[0]
    given: dict[str, Node] = {}
    for key, (start, end) in root.values.items():
        if partial and len(walker.frames) == 1 and end == len(walker.text):
            continue
        try:
            given[key] = parse_value(walker.text[:end], start)[0]
        except OlySyntaxError:
            continue  # it is complete, but wrong: the parser will say so
    return given
