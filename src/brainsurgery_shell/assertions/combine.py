"""Expressions of expressions: ``all``, ``any``, ``not``."""

from __future__ import annotations

from brainsurgery_shell.assertions.declare import Assertion, Expression, Undecided, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.declaration.references import ListOf

THESE = Parameter("of", ListOf(Expression()), "a list of expressions", whole_payload=True)


@expression("all", THESE, examples=("assert: all: [{ exists: wte }, { finite: wte }]",))
def all_(context: Context, of: list[Assertion]) -> str | None:
    """Every expression holds."""
    problems, undecided = _ask(context, of)
    wrong = next((each for each in problems if each is not None), None)
    if wrong is None and undecided:
        raise Undecided
    return wrong


@expression("any", THESE, examples=("assert: any: [{ exists: lm_head }, { exists: wte }]",))
def any_(context: Context, of: list[Assertion]) -> str | None:
    """At least one expression holds."""
    problems, undecided = _ask(context, of)
    if None in problems:
        return None
    if undecided:
        raise Undecided
    return "none of these holds: " + "; ".join(str(problem) for problem in problems)


def _ask(context: Context, of: list[Assertion]) -> tuple[list[str | None], bool]:
    """What each decided expression says, and whether some are undecided."""
    answers: list[str | None] = []
    undecided = False
    for each in of:
        try:
            answers.append(each.problem(context))
        except Undecided:
            undecided = True
    return answers, undecided


@expression(
    "not",
    Parameter("of", Expression(), "an expression", whole_payload=True),
    examples=("assert: not: { exists: '.*\\.bias' }",),
)
def not_(context: Context, of: Assertion) -> str | None:
    """The expression does not hold."""
    problem = of.problem(context)
    if problem is not None:
        return None
    return f"'{of.expression.name}' holds, and should not"
