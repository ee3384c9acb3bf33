"""Functions of numbers alone, as Python has them: the constants in an expression."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from brainsurgery_shell.errors import fail

Number: TypeAlias = int | float

_LARGEST_POWER = 1024
"""Bits of a whole number; a larger power is computed as a float."""


def apply(name: str, values: Sequence[Number]) -> Number:
    """A function or operator of numbers.

    Raises:
        StepError: it has no value, or is not one for numbers.
    """
    function = _NEGATIVE if name == "-" and len(values) == 1 else _FUNCTIONS.get(name)
    if function is None:
        fail(f"{name} takes tensors, and here are numbers only")
    try:
        result: Number = function(*values)
        finite = math.isfinite(result)
    except (ValueError, ZeroDivisionError, OverflowError):
        finite = False
    if not finite:
        shown = ", ".join(map(str, values))
        fail(f"{name if name[0].isalpha() else f'the operator {name}'} has no value for {shown}")
    return result


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base.bit_length() * exponent <= _LARGEST_POWER:
            return int(base**exponent)
        base = float(base)
    return math.pow(base, exponent)


def _sign(value: Number) -> Number:
    return (value > 0) - (value < 0)


_NEGATIVE: Callable[..., Any] = operator.neg
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": _power,
    "abs": abs,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "sign": _sign,
    "minimum": min,
    "maximum": max,
}
