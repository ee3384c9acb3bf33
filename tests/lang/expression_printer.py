"""Expressions as text: blanks around operators, and only the parentheses that are needed."""

from __future__ import annotations

from brainsurgery_shell.lang.expression_tree import COMPARISON, LEVELS, POWER, SIGN, Apply, Expression, Number
from brainsurgery_shell.lang.functions import OptionValue

_WHOLE = POWER + 1
"""How tightly numbers, names and calls bind."""


def print_expression(expression: Expression) -> str:
    """The canonical text; it reads back as an equal expression."""
    stack: list[tuple[str, int]] = []
    for item in expression.items:
        if not isinstance(item, Apply):
            stack.append((str(item.value) if isinstance(item, Number) else item.name, _WHOLE))
            continue
        operands = stack[-item.count :]
        del stack[-item.count :]
        stack.append(_applied(item, operands))
    return stack[0][0]


def _applied(item: Apply, operands: list[tuple[str, int]]) -> tuple[str, int]:
    level = LEVELS.get(item.function)
    if level is None:
        words = [text for text, _ in operands]
        words += [f"{name}={_option(value)}" for name, value in item.options]
        return f"{item.function}({', '.join(words)})", _WHOLE
    if item.count == 1:
        return f"-{_within(operands[0], SIGN)}", SIGN
    left, right = operands
    if level == POWER:  # from the right, and its exponent may have a sign
        return f"{_within(left, _WHOLE)} ** {_within(right, SIGN)}", level
    least = level + 1 if level == COMPARISON else level  # comparisons do not chain
    return f"{_within(left, least)} {item.function} {_within(right, level + 1)}", level


def _within(operand: tuple[str, int], least: int) -> str:
    text, level = operand
    return text if level >= least else f"({text})"


def _option(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))})"
    return str(value)
