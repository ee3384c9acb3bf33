"""Where an expression that is still being written stands: what may come next in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from brainsurgery_shell.lang.functions import FUNCTIONS

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|[<>=!]=|[-+*/@<>()\[\],=]))"
)
_ARITHMETIC = ("+", "-", "*", "/", "@", "**")
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass(slots=True)
class _Call:
    """A parenthesis that is open, and the function before it; the first stands for the whole text."""

    function: str | None
    done: int = 0
    """Operands and options that are complete."""
    options: set[str] = field(default_factory=set)
    option: str | None = None
    """The option whose value is being written."""
    dims: str = ""
    """What closes a list of dims, if it is one."""
    compared: bool = False
    """Whether the operand here holds a comparison already: they do not chain."""
    whole: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        """What may stand behind an operand."""
        return _ARITHMETIC if self.compared else (*_ARITHMETIC, *_COMPARISONS)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The end of an expression that may go on."""

    start: int
    """Where the word at the end begins; the end if there is none."""
    operand: bool
    """Whether an operand, a number or a function may stand there."""
    options: tuple[str, ...] = ()
    """The function's options that may be named there."""
    booleans: bool = False
    """Whether true or false is wanted."""
    signs: tuple[str, ...] = ()
    """Signs that may stand there."""


def unfinished(text: str) -> Unfinished | None:
    """What may come next; ``None`` if something in it is wrong already, or an option's number is wanted."""
    tokens = _tokens(text)
    if tokens is None:
        return None
    start = len(text)
    if tokens and tokens[-1][0] == "name" and tokens[-1][2] == len(text):
        start = tokens.pop()[3]
    state = _State()
    for at, (kind, token, _, _) in enumerate(tokens):
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if not state.take(kind, token, following):
            return None
    return state.end(start, word=start < len(text))


def _tokens(text: str) -> list[tuple[str, str, int, int]] | None:
    """Kind, text, end and start of each."""
    found: list[tuple[str, str, int, int]] = []
    at, end = 0, len(text.rstrip(" \t\r\n"))
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            return None
        kind = token.lastgroup
        found.append((kind, token[kind], token.end(), token.start(kind)))
        at = token.end()
    return found


class _State:
    """Follows the tokens as far as completion needs it."""

    def __init__(self) -> None:
        self.calls = [_Call(None, whole=True)]
        self.complete = False
        """Whether an operand is complete here."""
        self.function: str | None = None
        """A name whose parenthesis comes next."""

    def take(self, kind: str, token: str, following: str) -> bool:
        """One token more; false where it does not fit."""
        if kind == "sign":
            return self._sign(token)
        if self.complete:
            return False
        if kind == "name" and following == "(":
            self.function = token
            return token in FUNCTIONS
        if kind == "name" and following == "=" and self.calls[-1].function is not None:
            self.calls[-1].option = token
            self.calls[-1].options.add(token)
            return True
        self.complete = True
        return True

    def _sign(self, sign: str) -> bool:
        call = self.calls[-1]
        if sign in ("(", "["):
            dims = call.option is not None
            self.calls.append(_Call(self.function, dims=(")" if sign == "(" else "]") if dims else ""))
            self.function = None
            return not self.complete and (sign == "(" or dims)
        if sign in (")", "]"):
            if call.whole:
                return False
            self.calls.pop()
            return self.complete
        if sign == ",":
            fits = not call.whole and self.complete
            self.complete, call.compared = False, False
            call.done, call.option = call.done + 1, None
            return fits
        if sign == "=":
            return call.option is not None
        fits = self.complete or sign == "-"
        if sign in _COMPARISONS:
            fits, call.compared = fits and not call.compared, True
        self.complete = False
        return fits

    def end(self, start: int, *, word: bool) -> Unfinished | None:
        """What may come next."""
        call = self.calls[-1]
        if self.complete:
            return None if word else Unfinished(start, False, signs=_signs(call))
        if call.function is None:
            return None if call.dims else Unfinished(start, True)
        function = FUNCTIONS[call.function]
        if call.option is not None:
            boolean = function.options.get(call.option) == "boolean"
            return Unfinished(start, False, booleans=True) if boolean else None
        if call.done < function.operands:
            return Unfinished(start, True)
        given = call.options | _by_place(call, call.done)
        return Unfinished(start, False, tuple(each for each in function.options if each not in given))


def _signs(call: _Call) -> tuple[str, ...]:
    """The signs that may stand behind what is complete."""
    if call.dims:
        return (call.dims, ",")
    if call.function is None:
        return call.operators if call.whole else (")", *call.operators)
    function = FUNCTIONS[call.function]
    wanted = call.done + 1
    operators = call.operators if wanted <= function.operands and call.option is None else ()
    if wanted < function.operands:
        return (",", *operators)
    more = set(function.options) - call.options - _by_place(call, wanted)
    return (")", *((",",) if more else ()), *operators)


def _by_place(call: _Call, done: int) -> set[str]:
    """Options that were given without their name."""
    function = FUNCTIONS[call.function or ""]
    count = done - function.operands - len(call.options)
    return set(list(function.options)[: max(count, 0)])
