"""Whole-number arithmetic on captures: the inside of ``${i+1}``.

sum ::= product (("+" | "-") product)*
product ::= factor ("*" factor)*
factor ::= "-" factor | number | capture | "(" sum ")"
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.pieces import Piece

Evaluate: TypeAlias = Callable[[Callable[[str], int]], int]
"""Computes the expression, given what says the number that a capture stands for."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]{1,18})(?![0-9A-Za-z_])|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[-+*()]))"
)
_DEEPEST = 50
_LONGEST = 200


class _Parser:
    """Reads one expression; ``names`` collects the captures in it."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.names: list[str] = []
        self.at = 0
        self.depth = 0

    def fail(self, at: int, found: str | None = None) -> NoReturn:
        what = f"unexpected '{found}'" if found else "it breaks off"
        raise StepError(
            f"'${{{self.piece.text}}}' is not whole-number arithmetic: {what}",
            hint="between the braces stand captures, whole numbers, + - * and parentheses: ${2*i+1}",
            span=self.piece.cut(at, at + len(found)).span if found else self.piece.span,
        )

    def peek(self) -> tuple[str, str, int]:
        """The next token: its kind, its text and where it ends; kind ``end`` if there is none."""
        found = _TOKEN.match(self.piece.text, self.at)
        if found and found.lastgroup:
            return found.lastgroup, found[found.lastgroup], found.end()
        rest = self.piece.text[self.at :].strip()
        if rest:
            self.fail(self.piece.text.index(rest, self.at), rest[0])
        return "end", "", self.at

    def sum(self) -> Evaluate:
        value = self.product()
        while (token := self.peek())[1] in ("+", "-"):
            self.at = token[2]
            value = _both(operator.add if token[1] == "+" else operator.sub, value, self.product())
        return value

    def product(self) -> Evaluate:
        value = self.factor()
        while (token := self.peek())[1] == "*":
            self.at = token[2]
            value = _both(operator.mul, value, self.factor())
        return value

    def factor(self) -> Evaluate:
        kind, text, end = self.peek()
        if kind == "end":
            self.fail(self.at)
        self.at = end
        if kind == "number":
            number = int(text)
            return lambda lookup: number
        if kind == "name":
            self.names.append(text)
            return lambda lookup: lookup(text)
        self.depth += 1
        if text not in "-(" or self.depth > _DEEPEST:
            self.fail(end - 1, text)
        value = self.factor() if text == "-" else self.sum()
        self.depth -= 1
        if text == "-":
            return lambda lookup: -value(lookup)
        kind, text, end = self.peek()
        if text != ")":
            self.fail(end - len(text), text or None)
        self.at = end
        return value


def parse_arithmetic(piece: Piece) -> tuple[Evaluate, tuple[str, ...]]:
    """What computes the expression, and the captures in it."""
    parser = _Parser(piece)
    if len(piece.text) > _LONGEST:
        raise StepError(
            f"the arithmetic in '${{…}}' is too long: {len(piece.text)} characters",
            hint=f"write at most {_LONGEST}",
            span=piece.span,
        )
    value = parser.sum()
    _, text, end = parser.peek()
    if text:
        parser.fail(end - len(text), text)
    return value, tuple(parser.names)


def _both(sign: Callable[[int, int], int], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda lookup: sign(left(lookup), right(lookup))
