"""Expressions: ``b + 0.4 * (f - b)``. Read by hand, never by Python, as ``grammar/expression.ebnf`` says."""

from __future__ import annotations

import math
import re
from typing import NamedTuple, NoReturn

from brainsurgery_shell.errors import Span, StepError, did_you_mean
from brainsurgery_shell.lang.expression_tree import (
    COMPARISON,
    LEVELS,
    SIGN,
    Apply,
    Expression,
    Item,
    Number,
    Operand,
)
from brainsurgery_shell.lang.functions import FUNCTIONS, OptionKind, OptionValue, usage
from brainsurgery_shell.lang.pieces import Piece

DEEPEST = 100
_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|[<>=!]=|[-+*/@<>()\[\],=])"
    r"|(?P<end>\Z))"
)
_BLANK = re.compile(r"[ \t\r\n]*")
_LONGEST_NUMBER = 400
_OPERATORS = "operators are + - * / @ ** and the comparisons < <= > >= == !="


class Token(NamedTuple):
    """A piece of the text; its kind is ``number``, ``name``, ``sign`` or ``end``."""

    kind: str
    text: str
    start: int
    end: int


def parse_expression(piece: Piece) -> Expression:
    """The expression that a text says.

    Raises:
        StepError: it is none; with the place, what was expected, and the nearest function.
    """
    parser = _Parser(piece)
    parser.expression(COMPARISON)
    if parser.next.kind != "end":
        parser.after_operand("an operator or the end")
    return Expression(tuple(parser.items))


class _Parser:
    """Emits operands first, then what is done with them."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.items: list[Item] = []
        self.next = self.token_at(0)
        self.depth = 0

    def token_at(self, at: int) -> Token:
        found = _TOKEN.match(self.piece.text, at)
        if found is None or found.lastgroup is None:
            start = _BLANK.match(self.piece.text, at).end()  # type: ignore[union-attr]
            sign = self.piece.text[start]
            hint = "a power is written **" if sign == "^" else _OPERATORS
            self.fail(f"unexpected '{sign}'", Token("sign", sign, start, start + 1), hint)
        kind = found.lastgroup
        return Token(kind, found[kind], found.start(kind), found.end(kind))

    def advance(self) -> Token:
        """The next token; then the one behind it is next."""
        token = self.next
        self.next = self.token_at(token.end)
        return token

    def span(self, token: Token) -> Span | None:
        return self.piece.cut(token.start, max(token.end, token.start + 1)).span

    def fail(self, message: str, token: Token, hint: str | None = None) -> NoReturn:
        if not self.piece.exact:
            message += f" at character {token.start + 1} of the expression"
        raise StepError(message, hint=hint, span=self.span(token))

    def expected(self, what: str, hint: str | None = None) -> NoReturn:
        token = self.next
        found = "the end" if token.kind == "end" else f"'{token.text}'"
        self.fail(f"expected {what}, found {found}", token, hint)

    def after_operand(self, what: str) -> NoReturn:
        """Complain about what follows a complete operand."""
        hint = None
        if self.next.kind in ("number", "name") or self.next.text == "(":
            hint = "a product is written with *"
        elif self.next.text == "=":
            hint = "equality is written =="
        self.expected(what, hint)

    def take(self, sign: str) -> bool:
        if self.next.kind == "sign" and self.next.text == sign:
            self.advance()
            return True
        return False

    def expression(self, least: int) -> None:
        """Operands with the operators that bind at least as tightly as ``least``.

        Operators wait in a list, not on Python's stack, until what binds more tightly is emitted.
        """
        waiting: list[tuple[int, Token]] = []
        while True:
            self.operand()
            if self.next.text == "**":  # from the right, and its exponent may have a sign
                self.apply(self.advance(), exponent=True)
            level = LEVELS.get(self.next.text, 0)
            while waiting and waiting[-1][0] >= level:
                before, sign = waiting.pop()
                if before == level == COMPARISON:
                    hint = "one comparison is one condition of where"
                    self.fail("comparisons do not chain", self.next, hint)
                self.apply(sign)
            if level < least:
                return
            waiting.append((level, self.advance()))

    def apply(self, sign: Token, *, exponent: bool = False) -> None:
        """Emit an operator of two operands; ``exponent`` says that the second is still to be read."""
        if exponent:
            self.nested(SIGN, sign)
        self.items.append(Apply(sign.text, 2, (), self.span(sign)))

    def nested(self, least: int, opening: Token) -> None:
        """An expression one level further down."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(f"expected at most {DEEPEST} levels inside each other, found more", opening)
        self.expression(least)
        self.depth -= 1

    def operand(self) -> None:
        if self.next.kind == "end" or (self.next.kind == "sign" and self.next.text not in ("-", "(")):
            self.expected("a number, an operand, a function or '('")
        token = self.advance()
        if token.kind == "number":
            self.items.append(Number(self.number(token), self.span(token)))
        elif token.kind == "name":
            self.named(token)
        elif token.text == "-":
            self.nested(SIGN, token)
            self.items.append(Apply("-", 1, (), self.span(token)))
        else:
            self.nested(COMPARISON, token)
            if not self.take(")"):
                self.after_operand("an operator or ')'")

    def number(self, token: Token) -> int | float:
        behind = self.piece.text[token.end : token.end + 1]
        if behind == "." or behind == "_" or behind.isalnum():
            hint = "a product is written with *" if behind.isalpha() else None
            self.fail(f"'{token.text}{behind}' is no number", token, hint)
        whole = token.text.isdigit()
        if len(token.text) > _LONGEST_NUMBER or not (whole or math.isfinite(float(token.text))):
            self.fail("the number is too large", token)
        return int(token.text) if whole else float(token.text)

    def named(self, token: Token) -> None:
        called = self.next.text == "("
        if token.text not in FUNCTIONS:
            if called:
                near = did_you_mean(token.text, FUNCTIONS)
                self.fail(
                    f"unknown function '{token.text}'", token, near or f"functions: {', '.join(FUNCTIONS)}"
                )
            self.items.append(Operand(token.text, self.span(token)))
        elif not called:
            self.expected(f"'(' after '{token.text}'", usage(token.text))
        else:
            self.call(token)

    def call(self, name: Token) -> None:
        """The arguments of a function: expressions, then options."""
        opening, function = self.advance(), FUNCTIONS[name.text]
        count, options = 0, dict[str, OptionValue]()
        while not (count == 0 and not options and self.take(")")):
            option = self.option_name()
            if option is not None:
                self.option(name.text, option, options)
            elif options:
                self.fail("operands stand before options", self.next, usage(name.text))
            else:
                self.nested(COMPARISON, opening)
                count += 1
            if self.take(")"):
                break
            if not self.take(","):
                self.after_operand("',' or ')'")
        most = function.operands + function.positional
        if not function.operands <= count <= most:
            self.fail(f"{name.text} takes {_counted(function.operands)}, not {count}", name, usage(name.text))
        given = list(function.options)[: count - function.operands]
        if twice := [each for each in given if each in options]:
            self.fail(f"'{twice[0]}' is given twice", name, usage(name.text))
        self.items.append(Apply(name.text, count, tuple(options.items()), self.span(name)))

    def option_name(self) -> Token | None:
        """The name of an option, if one stands here: a name and ``=``."""
        if self.next.kind != "name":
            return None
        name = self.next
        if self.token_at(name.end).text != "=":
            return None
        self.advance()
        self.advance()
        return name

    def option(self, function: str, name: Token, options: dict[str, OptionValue]) -> None:
        kind = FUNCTIONS[function].options.get(name.text)
        if kind is None:
            near = did_you_mean(name.text, FUNCTIONS[function].options)
            self.fail(f"{function} has no option '{name.text}'", name, near or usage(function))
        if name.text in options:
            self.fail(f"'{name.text}' is given twice", name)
        options[name.text] = self.option_value(kind)

    def option_value(self, kind: OptionKind) -> OptionValue:
        if kind == "boolean":
            if self.next.text not in _BOOLEANS:
                self.expected("true or false")
            return _BOOLEANS[self.advance().text]
        if kind == "dims" and self.next.text in ("(", "["):
            closing = ")" if self.advance().text == "(" else "]"
            dims = [self.signed(whole=True)]
            while self.take(","):
                if self.next.text == closing:
                    break
                dims.append(self.signed(whole=True))
            if not self.take(closing):
                self.expected(f"',' or '{closing}'")
            return tuple(int(dim) for dim in dims)
        return self.signed(whole=kind != "number")

    def signed(self, *, whole: bool) -> int | float:
        minus = self.take("-")
        if self.next.kind != "number" or (whole and not self.next.text.isdigit()):
            self.expected("a whole number" if whole else "a number")
        value = self.number(self.advance())
        return -value if minus else value


_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}


def _counted(operands: int) -> str:
    return "1 operand" if operands == 1 else f"{operands} operands"
