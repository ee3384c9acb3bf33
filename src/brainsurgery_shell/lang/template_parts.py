r"""Reading templates: text with ``\1`` in strings, ``$x`` and ``${i+1}`` in lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from brainsurgery_shell.errors import Span, StepError
from brainsurgery_shell.lang.arithmetic import Evaluate, parse_arithmetic
from brainsurgery_shell.lang.pieces import Piece, shown

_PLAIN = re.compile(r"[^\\*+?()\[\]{}|^$]+")
_GROUP = re.compile(r"\\g<([^<>]*)>")
_DIGITS = re.compile(r"\\([1-9][0-9]?)")
_OCTAL = re.compile(r"\\(?:0|[1-7][0-7][0-7])")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOLLAR = re.compile(r"\$\{([^{}]*)\}")
_DOLLAR_NAME = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Group:
    r"""``\1`` or ``\g<name>``."""

    capture: int | str
    written: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Splice:
    """``*xs``: the segments bound to it."""

    name: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Value:
    """``$x``, ``${x}``, ``${i+1}``: what was bound, or a number computed from it."""

    names: tuple[str, ...]
    evaluate: Evaluate | None
    """``None`` for a capture alone, which need not be a number."""
    written: str
    span: Span | None


TextPart: TypeAlias = str | Group
ListPart: TypeAlias = str | Splice | Value


def parse_text(piece: Piece) -> list[TextPart]:
    """The parts of a string template."""
    text, at = piece.text, 0
    parts: list[TextPart] = []
    while at < len(text):
        part: TextPart
        if found := _PLAIN.match(text, at):
            part, at = found[0], found.end()
        elif text[at] != "\\":
            raise _regex_sign(piece, at)
        elif found := _GROUP.match(text, at):
            part, at = _named_group(piece.cut(at, found.end()), found[1]), found.end()
        elif _OCTAL.match(text, at):
            raise _unclear_digits(piece, at)
        elif found := _DIGITS.match(text, at):
            part, at = Group(int(found[1]), found[0], piece.cut(at, found.end()).span), found.end()
        else:
            part, at = _escaped(piece, at), at + 2
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def parse_list_segment(piece: Piece) -> list[ListPart]:
    """The parts of one segment of a list template."""
    text, at = piece.text, 0
    if text == "":
        raise StepError(
            "a segment of a template is empty", hint="remove it, or write its text", span=piece.span
        )
    if text.startswith("~"):
        raise StepError(
            f"'{text}' is a regex, and this is a template: it says one name for each match",
            hint="write $x for what ~x::RE binds in the pattern",
            span=piece.span,
        )
    if text[0] in "$*" and _NAME.fullmatch(text, 1):
        name = text[1:]
        return [Splice(name, piece.span) if text[0] == "*" else Value((name,), None, text, piece.span)]
    parts: list[ListPart] = []
    while at < len(text):
        part, at = _list_part(piece, at)
        if isinstance(part, str) and parts and isinstance(before := parts[-1], str):
            parts[-1] = before + part
        else:
            parts.append(part)
    return parts


def _list_part(piece: Piece, at: int) -> tuple[ListPart, int]:
    """The part of a segment that begins here, and where it ends."""
    text = piece.text
    if found := _PLAIN.match(text, at):
        return found[0], found.end()
    if found := _DOLLAR.match(text, at):
        return _value(piece.cut(at, found.end())), found.end()
    if text[at] == "$":
        raise _stray_dollar(piece, at)
    if text[at] != "\\":
        raise _list_sign(piece, at)
    if text[at + 1 : at + 2].isalnum():
        raise _regex_escape(piece, at, "write $x for what the pattern binds")
    return _escaped(piece, at), at + 2


def _named_group(piece: Piece, name: str) -> Group:
    if re.fullmatch(r"[0-9]{1,4}", name):
        return Group(int(name), piece.text, piece.span)
    if not name.isidentifier():
        raise StepError(f"'{piece.text}' names no group", hint=r"write \g<name> or \g<1>", span=piece.span)
    return Group(name, piece.text, piece.span)


def _escaped(piece: Piece, at: int) -> str:
    """A backslash and punctuation is that character: what ``re.escape`` wrote reads back."""
    char = piece.text[at + 1 : at + 2]
    if char == "":
        raise StepError(
            f"the template '{shown(piece.text)}' ends in a single backslash",
            hint=r"a literal backslash is written \\",
            span=piece.cut(at, at + 1).span,
        )
    if char.isalnum():
        hint = (
            r"write \g<name> for a named group"
            if char == "g"
            else r"write \1 or \g<name> for what the pattern captures"
        )
        raise _regex_escape(piece, at, hint)
    return char


def _regex_escape(piece: Piece, at: int, hint: str) -> StepError:
    sign = piece.cut(at, at + 2)
    return StepError(
        f"'{sign.text}' means something in a regex, but '{shown(piece.text)}' is a template:"
        " it says one name for each match",
        hint=hint,
        span=sign.span,
    )


def _unclear_digits(piece: Piece, at: int) -> StepError:
    if piece.text[at + 1] == "0":
        return StepError(
            rf"'\0' is no group in '{shown(piece.text)}'",
            hint=r"groups count from \1; \g<0> is the whole name",
            span=piece.cut(at, at + 2).span,
        )
    digits = piece.text[at + 1 : at + 4]
    return StepError(
        rf"'\{digits}' in '{shown(piece.text)}' is not clear: a character code, or a group before digits",
        hint=rf"write \g<{digits[0]}>{digits[1:]} or \g<{digits[:2]}>{digits[2]}",
        span=piece.cut(at, at + 4).span,
    )


def _regex_sign(piece: Piece, at: int) -> StepError:
    text = piece.text
    start = at - 1 if text[at] in "*+?{" and at and text[at - 1] == "." else at
    if found := _DOLLAR_NAME.match(text, at):
        hint = rf"${found[1]} belongs to lists: write from and to as lists of segments, or \1 for a group"
    else:
        sign = text[at]
        hint = rf"write \1 or \g<name> for what the pattern captures; a literal {sign} is written \{sign}"
    return StepError(
        f"'{text[start : at + 1]}' is a regex sign, but '{shown(text)}' is a template:"
        " it says one name for each match",
        hint=hint,
        span=piece.cut(start, at + 1).span,
    )


def _list_sign(piece: Piece, at: int) -> StepError:
    text, sign = piece.text, piece.text[at]
    star = re.compile(r"\*([A-Za-z_][A-Za-z0-9_]*)").match(text, at)
    if star:
        hint = f"*{star[1]} stands for whole segments: write it as a segment of its own"
    else:
        hint = rf"write $x or ${{x}} for what the pattern binds; a literal {sign} is written \{sign}"
    return StepError(
        f"'{sign}' is a regex sign, but '{shown(text)}' is a template: it says one name for each match",
        hint=hint,
        span=piece.cut(at, at + 1).span,
    )


def _stray_dollar(piece: Piece, at: int) -> StepError:
    text = piece.text
    if found := _DOLLAR_NAME.match(text, at):
        name = found[1]
        rest = re.compile(r"(?:[-+*][A-Za-z0-9_]+)*").match(text, found.end())
        whole = name + (rest[0] if rest and at == 0 and rest.end() == len(text) else "")
        hint = f"write ${{{whole}}}"
    else:
        hint = r"write ${x} for a capture; a literal $ is written \$"
    return StepError(
        f"'$' in the segment '{shown(text)}' begins no capture: inside text a capture stands in braces",
        hint=hint,
        span=piece.cut(at, at + 1).span,
    )


def _value(piece: Piece) -> Value:
    inside = piece.cut(2, -1)
    name = inside.text.strip()
    if _NAME.fullmatch(name):
        return Value((name,), None, piece.text, piece.span)
    evaluate, names = parse_arithmetic(inside)
    return Value(names, evaluate, piece.text, piece.span)
