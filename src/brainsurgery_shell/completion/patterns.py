"""What of a half-typed regex or structured pattern can be followed through the names, segment by segment.

A regex is only read here as far as a segment is literal, or simple enough that it cannot run away: ``re``
cannot be interrupted, and this happens at every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from brainsurgery_shell.completion.names import MANY, Step
from brainsurgery_shell.lang.segments import Literal, Regex, Segment
from brainsurgery_shell.lang.segments import Many as ManySegment

_SIGNS = re.compile(r"[*+?()\[\]{}|^$]")
_ESCAPE = re.compile(r"([\\*+?()\[\]{}|^$])")
_ANYTHING = re.compile(r"\(?(?:\?P<\w+>|\?:)?\.[*+]\??\)?")
_ESCAPED = re.compile(r"\\.")
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]|\(\?P=")
_TAME = re.compile(r"(?!.*\)[*+?{])(?!.*\(\?[^:P])(?:[^*+?{]*[*+?{]){0,2}[^*+?{]*")
"""At most two repetitions, none of a group, no lookaround: cheap on text as short as a segment."""
_LOOSE = re.compile(r"(?<!\\)\.|\\[SDWsbB]|\[\^|^[^(]*\|")
"""What may take a dot along, or cuts the whole regex in two."""
_LONGEST_SEGMENT = 200


@dataclass(frozen=True, slots=True)
class Typed:
    """A half-typed expression: segments that are complete, and the literal beginning of the next."""

    steps: list[Step]
    partial: str
    """Without escapes."""
    kept: str
    """What was typed before the partial segment, as written."""
    literal: str | None
    """Everything typed, without escapes, if it is literal as a whole (dots are dots)."""
    dot: str
    r"""How this user writes a dot: ``.`` or ``\.``."""


def read(text: str) -> Typed | None:
    """The segments of a regex or string template; ``None`` where the next segment is not literal."""
    pieces, dots = _pieces(text)
    partial = literal_of(pieces[-1])
    if partial is None:
        return None
    steps = [_step(piece) for piece in pieces[:-1]]
    if None in steps:
        return None
    known = [step for step in steps if step is not None]
    plain = [step for step in known if isinstance(step, str)]
    literal = ".".join([*plain, partial]) if len(plain) == len(known) else None
    dot = dots[-1] if dots else ("." if literal is not None else r"\.")
    return Typed(known, partial, text[: len(text) - len(pieces[-1])], literal, dot)


def exact_steps(text: str) -> list[Step] | None:
    """The segments of a complete regex; ``None`` where one might match more, or less, than one segment."""
    pieces, dots = _pieces(text)
    found: list[Step] = []
    for piece in pieces:
        step = _step(piece)
        if step is None or (callable(step) and _LOOSE.search(piece.replace(r"\\", ""))):
            return None
        found.append(step)
    literal = all(isinstance(step, str) for step in found)
    return found if literal or "." not in dots else None


def escaped(text: str, dot: str) -> str:
    """Literal text as a regex or template; dots as the user writes them."""
    return _ESCAPE.sub(r"\\\1", text).replace(".", dot)


def literal_of(text: str) -> str | None:
    """The text that a regex without signs means; a backslash at the end is not yet complete."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\":
            following = text[at + 1 : at + 2]
            if following.isalnum():
                return None
            parts.append(following)
            at += 2
            continue
        if _SIGNS.match(text, at):
            return None
        parts.append(text[at])
        at += 1
    return "".join(parts)


def _pieces(text: str) -> tuple[list[str], list[str]]:
    """The text between dots that separate segments, and how those dots are written."""
    pieces, dots = [""], []
    depth = at = 0
    while at < len(text):
        char = text[at]
        width = 2 if char == "\\" else 1
        token = text[at : at + width]
        if token in (".", r"\.") and depth == 0 and text[at + width : at + width + 1] not in tuple("*+?{"):
            dots.append(token)
            pieces.append("")
        else:
            depth += (token in ("(", "[")) - (token in (")", "]"))
            pieces[-1] += token
        at += width
    return pieces, dots


def _step(piece: str) -> Step | None:
    literal = literal_of(piece)
    if literal is not None:
        return literal
    if _ANYTHING.fullmatch(piece):
        return MANY
    return _condition(piece)


def _condition(pattern: str) -> Callable[[str], bool] | None:
    signs = _ESCAPED.sub("x", pattern)
    if not _TAME.fullmatch(signs) or _BACK_REFERENCE.search(pattern):
        return None
    try:
        fullmatch = re.compile(pattern).fullmatch
    except (re.error, OverflowError, RecursionError):
        return None
    return lambda segment: len(segment) < _LONGEST_SEGMENT and fullmatch(segment) is not None


def step_of(segment: Segment) -> Step | None:
    """The step that a segment of a structured pattern is."""
    if isinstance(segment, Literal):
        return segment.text
    if isinstance(segment, ManySegment):
        return MANY
    return _condition(segment.regex.pattern) if isinstance(segment, Regex) else any_segment


def any_segment(segment: str) -> bool:
    """The condition of ``$x``."""
    return True
