"""What may come next in an expression that is still being written."""

from __future__ import annotations

import pytest
from expression_printer import print_expression
from expressions import expressions
from hypothesis import given, settings
from hypothesis import strategies as st

from brainsurgery_shell.lang.expression import parse_expression
from brainsurgery_shell.lang.expression_prefix import Unfinished, unfinished
from brainsurgery_shell.lang.expression_tree import Expression
from brainsurgery_shell.lang.functions import FUNCTIONS
from brainsurgery_shell.lang.pieces import Piece


def finished(text: str) -> str:
    """The text, with whatever is said to be able to follow until nothing is missing."""
    for _ in range(200):
        found = unfinished(text)
        if found is None:
            text += "1 "  # the number of an option
        elif found.signs[:1] in ((")",), ("]",)):
            text += found.signs[0]
        elif "," in found.signs:
            text += ", "
        elif found.signs:
            return text
        elif found.operand:
            text = text[: found.start] + "a "
        elif found.booleans:
            text = text[: found.start] + "true "
        else:
            text = text[: found.start] + f"{found.options[0]}="
    raise AssertionError(text)


def offered(text: str) -> list[str]:
    """The text with each of what is offered."""
    found = unfinished(text)
    if found is None:
        return []
    words = [*(("a ", *(f"{name}(" for name in FUNCTIONS)) if found.operand else ())]
    words += [f"{name}=" for name in found.options]
    words += ["true "] * found.booleans
    return [text[: found.start] + each for each in (*words, *found.signs)]


@given(expressions(), st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_what_is_offered_can_be_taken(expression: Expression, at: int) -> None:
    text = print_expression(expression)[:at]
    for taken in offered(text):
        parse_expression(Piece(finished(taken)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Unfinished(0, True)),
        ("b + ", Unfinished(4, True)),
        ("b + no", Unfinished(4, True)),
        ("minimum(a", Unfinished(8, True)),
        ("mean(a, ", Unfinished(8, False, ("dim", "keepdim"))),
        ("mean(a, dim=1, k", Unfinished(15, False, ("keepdim",))),
        ("mean(a, keepdim=", Unfinished(16, False, booleans=True)),
        ("mean(a, dim=1 ", Unfinished(14, False, signs=(")", ","))),
        ("mean(a, 1 ", Unfinished(10, False, signs=(")", ","))),
        ("mean(a, 1, ", Unfinished(11, False, ("keepdim",))),
        ("mean(a, dim=[0 ", Unfinished(15, False, signs=("]", ","))),
    ],
)
def test_places(text: str, found: Unfinished) -> None:
    assert unfinished(text) == found


@pytest.mark.parametrize("text", ["a b ", "nosuch(", "a)", "$", "mean(a, dim=", "a = "])
def test_nothing_where_something_is_wrong_or_a_number_is_wanted(text: str) -> None:
    assert unfinished(text) is None
