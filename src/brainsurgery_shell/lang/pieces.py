"""Pieces of a scalar with their place; what stands around an expression: ``alias::`` and ``::[slice]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from brainsurgery_shell.errors import Span, StepError
from brainsurgery_shell.lang.slices import Slice, parse_slice
from brainsurgery_shell.lang.tree import Scalar

_ALIAS = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)::")
_ALIAS_ALONE = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_-]*)?")
_NUMBERS_ONLY = re.compile(r"\[[-+0-9.\s]*[:,][-+0-9:,.\s]*\]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a scalar, and where it stands."""

    text: str
    span: Span | None = None
    exact: bool = False
    """Whether each character of ``text`` takes one column of ``span``, so that its parts have places too."""

    @classmethod
    def of(cls, node: Scalar, text: str) -> Piece:
        """The whole text of a scalar. Escapes in it, which take two columns, make its parts placeless."""
        width = node.span.end - node.span.start
        if width <= 0:  # a tree that was never written down
            return cls(text)
        if width == len(text) + 2 and node.quoted:
            return cls(text, Span(node.span.start + 1, node.span.end - 1, node.span.line), exact=True)
        return cls(text, node.span, exact=width == len(text))

    def cut(self, start: int, end: int | None = None) -> Piece:
        """The characters ``start`` to ``end``, with their own span where that is known."""
        text = self.text[start:end]
        if self.span is None or not self.exact:
            return Piece(text, self.span)
        first = self.span.start + start
        return Piece(text, Span(first, first + len(text), self.span.line), exact=True)


def take_alias(piece: Piece) -> tuple[str | None, Piece]:
    """A leading ``alias::`` and the rest."""
    found = _ALIAS.match(piece.text)
    return (found[1], piece.cut(found.end())) if found else (None, piece)


def take_slice(piece: Piece) -> tuple[Piece, Slice | None]:
    """What stands before a trailing ``::[…]``, and the slice, if it reads as one."""
    at = piece.text.rfind("::[")
    if at < 0:
        return piece, None
    brackets = piece.cut(at + 2)
    found = parse_slice(brackets.text, brackets.span)
    return (piece.cut(0, at), found) if found is not None else (piece, None)


def refuse_bad_slice(piece: Piece) -> None:
    """Raise if the text ends in a ``::[…]`` that was meant as a slice but does not read as one.

    ``base::[a-c]`` is an alias and a regex; ``h.0.w::[a-c]`` and ``base::[1:2:3:4]`` can only be mistakes.
    """
    at = piece.text.rfind("::[")
    if at < 0 or not piece.text.endswith("]"):
        return
    brackets = piece.cut(at + 2)
    if _ALIAS_ALONE.fullmatch(piece.text[:at]) and not _NUMBERS_ONLY.fullmatch(brackets.text):
        return
    raise StepError(
        f"'{brackets.text}' in '{piece.text}' does not read as a slice",
        hint="for each dimension write a whole number or start:stop:step, and '...' at most once: [:8, -1]",
        span=brackets.span,
    )


def refuse_misplaced(piece: Piece, *, first: bool, last: bool) -> None:
    """Raise if a segment of a list holds an alias or a slice that belongs to another place."""
    rest, found = take_slice(piece)
    if found is None:
        refuse_bad_slice(piece)
    elif not last:
        raise StepError(
            f"the slice in '{piece.text}' does not stand behind the last segment",
            hint='write it behind the last one: [h, $i, "w::[:8]"]',
            span=piece.span,
        )
    if not first and take_alias(rest)[0] is not None:
        raise StepError(
            f"the alias in '{piece.text}' does not stand before the first segment",
            hint='write it before the first one: ["base::h", $i, w]',
            span=piece.span,
        )


def shown(text: str) -> str:
    """Text for a message, shortened if it is very long."""
    return text if len(text) <= 200 else f"{text[:199]}…"
