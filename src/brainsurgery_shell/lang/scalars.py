r"""Plain scalars: what a bare word means, as in YAML 1.2's core schema, strictly.

Everything that the schema does not name is a string: ``1_000``, ``0b1``, ``yes``, dates. Only ASCII digits
are digits (Python's ``int`` and ``\d`` would take others along).
"""

from __future__ import annotations

import re

Plain = str | int | float | bool | None

MAX_DIGITS = 4300
"""Longest whole number: Python converts no longer one between text and number."""

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("null", "Null", "NULL", "~"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = frozenset((".nan", ".NaN", ".NAN"))


class TooLongError(ValueError):
    """A whole number with more digits than ``MAX_DIGITS``."""


def resolve(text: str) -> Plain:
    """The value of a bare word.

    null ::= "null" | "Null" | "NULL" | "~"

    boolean ::= "true" | "True" | "TRUE" | "false" | "False" | "FALSE"

    integer ::= [-+]? [0-9]+ | "0o" [0-7]+ | "0x" [0-9a-fA-F]+

    float ::= decimal | [-+]? ( ".inf" | ".Inf" | ".INF" ) | ".nan" | ".NaN" | ".NAN"

    decimal ::= [-+]? ( "." [0-9]+ | [0-9]+ ( "." [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
    """
    if text in _WORDS:
        return _WORDS[text]
    if not text or text[0] not in _NUMBER_STARTS:
        return text
    if _DECIMAL.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise TooLongError(text)
        return int(text)
    if _BASED.fullmatch(text):
        number = int(text[2:], 16 if text[1] == "x" else 8)
        if number.bit_length() > MAX_DIGITS * 3:  # surely fewer than 4300 decimal digits below this
            raise TooLongError(text)
        return number
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float("-inf" if text[0] == "-" else "inf")
    return float("nan") if text in _NOT_A_NUMBER else text
