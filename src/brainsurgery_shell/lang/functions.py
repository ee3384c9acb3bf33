"""The functions that expressions know: how many operands each takes, and which options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

OptionKind: TypeAlias = Literal["number", "dim", "dims", "boolean"]
OptionValue: TypeAlias = "int | float | bool | tuple[int, ...]"


@dataclass(frozen=True, slots=True)
class Function:
    """One function as it is written."""

    operands: int
    """How many expressions it takes."""
    options: dict[str, OptionKind]
    """What else it takes, by name."""
    positional: int = 0
    """How many of the options may follow the operands without their name."""


_REDUCTION: dict[str, OptionKind] = {"dim": "dims", "keepdim": "boolean"}

FUNCTIONS: dict[str, Function] = {
    "abs": Function(1, {}),
    "sqrt": Function(1, {}),
    "exp": Function(1, {}),
    "log": Function(1, {}),
    "sign": Function(1, {}),
    "where": Function(3, {}),
    "minimum": Function(2, {}),
    "maximum": Function(2, {}),
    "clamp": Function(1, {"min": "number", "max": "number"}, positional=2),
    "mean": Function(1, _REDUCTION, positional=1),
    "sum": Function(1, _REDUCTION, positional=1),
    "norm": Function(1, _REDUCTION),  # torch's second argument is another one here
    "transpose": Function(1, {"dim0": "dim", "dim1": "dim"}, positional=2),
}


def usage(name: str) -> str:
    """How a function is called."""
    function = FUNCTIONS[name]
    letters = ["condition", "a", "b"] if name == "where" else ["a", "b"]
    words = [*letters[: function.operands], *(f"{each}=…" for each in function.options)]
    return f"{name}({', '.join(words)})"
