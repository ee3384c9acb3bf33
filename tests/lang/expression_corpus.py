"""Reads the conformance corpus of expressions; ``grammar/README.md`` describes its format."""

from __future__ import annotations

import json
from functools import cache

from oly_corpus import Accept, Reject, blocks

from brainsurgery_shell.lang.expression_tree import Expression, Number, Operand

BEYOND_GRAMMAR = (
    "unknown function", "takes ", "has no option", "given twice", "stand before options", "too large",
    "expected at most", "whole number", "true or false",
)  # fmt: skip


def tree(expression: Expression) -> object:
    """An expression as the corpus writes it: a function first, then its operands, then its options."""
    stack: list[object] = []
    for item in expression.items:
        if isinstance(item, Number | Operand):
            stack.append(item.value if isinstance(item, Number) else item.name)
            continue
        operands = stack[-item.count :]
        del stack[-item.count :]
        options = [{key: list(v) if isinstance(v, tuple) else v for key, v in item.options}]
        stack.append([item.function, *operands, *(options if item.options else [])])
    return stack[0]


@cache
def accepted() -> list[Accept]:
    return [
        Accept(fields["line"], fields.get("canonical", fields["line"]), json.loads(fields["tree"]), place)
        for place, fields, _ in blocks("expression/accept")
    ]


@cache
def rejected() -> list[Reject]:
    return [Reject(fields["line"], error, place) for place, fields, error in blocks("expression/reject")]


def beyond_grammar(message: str) -> bool:
    """Whether an expression is refused for what the grammar cannot say."""
    return any(words in message for words in BEYOND_GRAMMAR)
