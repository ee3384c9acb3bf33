"""Expressions as they are kept: items in postfix order, every function behind its operands.

So nothing that works on them recurses: their length has no limit, and only what nests in the text has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from brainsurgery_shell.errors import Span, StepError, did_you_mean, listed
from brainsurgery_shell.lang.functions import FUNCTIONS, OptionValue

COMPARISON, SUM, PRODUCT, SIGN, POWER = range(1, 6)
LEVELS = {
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), COMPARISON),
    **dict.fromkeys("+-", SUM),
    **dict.fromkeys("*/@", PRODUCT),
    "**": POWER,
}
"""How tightly operators bind; the minus sign of one operand lies between products and powers."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number or a float."""

    value: int | float
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Operand:
    """The name of a tensor."""

    name: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator of the ``count`` values before it; ``-`` of one is the sign."""

    function: str
    count: int
    options: tuple[tuple[str, OptionValue], ...] = ()
    span: Span | None = field(default=None, compare=False)


Item: TypeAlias = Number | Operand | Apply


@dataclass(frozen=True, slots=True)
class Expression:
    """What was written, in postfix order."""

    items: tuple[Item, ...]

    def check(self, names: Sequence[str]) -> None:
        """Fail if it uses other operands than these, or none of them.

        One may be left out: the first also says what is matched, and whose dtype the result has.

        Raises:
            StepError: it names another one, or numbers only.
        """
        used = {each.name: each.span for each in self.items if isinstance(each, Operand)}
        for name, span in used.items():
            if name not in names:
                hint = did_you_mean(name, [*names, *FUNCTIONS]) or f"operands: {', '.join(names)}"
                raise StepError(f"unknown operand '{name}'", hint=hint, span=span)
        if not used:
            raise StepError(
                f"the expression does not use {listed(list(names))}",
                hint="name the operands in the expression",
            )
