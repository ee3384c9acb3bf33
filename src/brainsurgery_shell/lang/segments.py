"""The segments of a structured pattern: ``lit``, ``$x``, ``*xs``, ``~RE``, ``~x,y::RE``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeAlias

from brainsurgery_shell.errors import Span, StepError
from brainsurgery_shell.lang.pieces import Piece, shown

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ONE = re.compile(rf"\$(?:({_NAME})|\{{({_NAME})\}})")
_MANY = re.compile(rf"\*({_NAME})")
_BINDING = re.compile(rf"~\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*::")


@dataclass(frozen=True, slots=True)
class Literal:
    """One equal segment."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class One:
    """``$x``: any one segment, bound."""

    name: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """``*xs``: zero or more segments, bound."""

    name: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Regex:
    """``~RE``: one segment that the regex matches whole; ``names`` take its groups, or the whole segment."""

    names: tuple[str, ...]
    regex: re.Pattern[str]
    span: Span | None = None
    bind: Callable[[str], tuple[str, ...] | None] = field(init=False, compare=False, repr=False)
    """The values of ``names`` if the segment matches, else ``None``."""

    def __post_init__(self) -> None:
        # a checkpoint has few different segments, however many names it has
        object.__setattr__(self, "bind", lru_cache(4096)(partial(_bind, self.regex, bool(self.names))))


def _bind(regex: re.Pattern[str], named: bool, segment: str) -> tuple[str, ...] | None:
    found = regex.fullmatch(segment)
    if found is None:
        return None
    return (found.groups("") or (segment,)) if named else ()


Segment: TypeAlias = Literal | One | Many | Regex


def names_of(segment: Segment) -> tuple[str, ...]:
    """The captures that a segment binds."""
    if isinstance(segment, Regex):
        return segment.names
    return () if isinstance(segment, Literal) else (segment.name,)


def parse_segment(piece: Piece) -> Segment:
    """One segment of a pattern, with alias and slice already taken away."""
    text = piece.text
    if text == "":
        raise StepError(
            "a segment of a pattern is empty", hint="remove it, or write $x for any segment", span=piece.span
        )
    if text.startswith("~"):
        return _parse_regex(piece)
    if found := _ONE.fullmatch(text):
        return One(found[1] or found[2], piece.span)
    if found := _MANY.fullmatch(text):
        return Many(found[1], piece.span)
    if text.startswith("*"):
        raise StepError(
            f"'{text}' is no segment: behind * stands the name that binds the segments",
            hint=f"write *rest, or ~{'.' if text == '*' else ''}{text} for one segment by a regex",
            span=piece.span,
        )
    if "$" in text:
        _refuse_dollar(piece)
    _refuse_dot(piece)
    return Literal(text, piece.span)


def _refuse_dollar(piece: Piece) -> None:
    """``$`` inside a segment: in a pattern ``$x`` takes the whole segment."""
    regex = re.sub(r"\$\{?\w*[^}]*\}|\$\w*", "(.+)", piece.text)
    name = re.search(rf"\$\{{?({_NAME})", piece.text)
    raise StepError(
        f"'{piece.text}' is no segment of a pattern: $x stands for a whole segment,"
        " and arithmetic belongs to destinations",
        hint=f"to bind part of a segment, write ~{name[1] if name else 'x'}::{regex}",
        span=piece.span,
    )


def _refuse_dot(piece: Piece) -> None:
    """A dot inside a segment, which could never match."""
    text = piece.text
    if "." in text:
        parts = [part for part in text.replace("\\.", ".").split(".") if part]
        # `a.*b` was written by somebody who thinks of a regex; `a.b` by somebody who forgot to take it apart
        regex = any(sign in text for sign in "\\*+?()[]{}|^")
        raise StepError(
            f"'{shown(text)}' holds a dot, and segments are what stands between dots",
            hint=f"write ~{text} for a regex"
            if regex
            else f"write {', '.join(parts) or '$x for any segment'}",
            span=piece.span,
        )


def _parse_regex(piece: Piece) -> Regex:
    found = _BINDING.match(piece.text)
    start = found.end() if found else 1
    names = tuple(name.strip() for name in found[1].split(",")) if found else ()
    if start == len(piece.text):
        raise StepError(
            f"'{piece.text}' lacks its regex",
            hint=r"write ~RE or ~x::RE, for example ~i::\d+",
            span=piece.span,
        )
    regex = compile_regex(piece.cut(start))
    groups = regex.groups
    fits = not names or groups == len(names) or (groups == 0 and len(names) == 1)
    if not fits:
        wanted = "one group, or none" if len(names) == 1 else f"{len(names)} groups, one for each name"
        raise StepError(
            f"'{piece.text}' binds {', '.join(names)}, but its regex has"
            f" {groups} group{'' if groups == 1 else 's'}",
            hint=f"give the regex {wanted}; (?:…) groups without counting",
            span=piece.span,
        )
    return Regex(names, regex, piece.span)


def compile_regex(piece: Piece) -> re.Pattern[str]:
    """The compiled regex, or an error that says where it goes wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # `[[a]` may mean something else in a future Python: not the user's worry
            return re.compile(piece.text)
    except re.error as error:
        at = error.pos
        where = "" if at is None else f" (at character {at + 1})"
        raise StepError(
            f"bad regex '{shown(piece.text)}': {error.msg}{where}",
            hint=_regex_mend(piece.text, at),
            span=piece.span if at is None else piece.cut(at, max(at + 1, len(piece.text[:at]) + 1)).span,
        ) from None
    except (OverflowError, RecursionError) as error:
        raise StepError(f"bad regex '{shown(piece.text)}': {error}", span=piece.span) from None


def _regex_mend(text: str, at: int | None) -> str:
    sign = text[at : at + 1] if at is not None else ""
    if sign and sign in "*+?()[]{}|":
        return f"a literal {sign} is written \\{sign}"
    return "references are Python regexes (module re), matched against the whole name"
