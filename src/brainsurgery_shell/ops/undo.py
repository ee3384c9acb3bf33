"""``undo`` and ``redo``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Integer
from brainsurgery_shell.declaration.moments import Moment, Moments
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.workspace.edit import Report

COUNT = Parameter("count", Integer(1), "how many edits; one if left out", required=False)


@operation(
    "undo",
    COUNT,
    Parameter(
        "to", Moments("moments in force"), "go back to just after that step, or to that mark", required=False
    ),
    counts=False,
    examples=("undo", "undo: 3", "undo: to: 4", "undo: to: before-merge"),
    in_plans=False,
    inspects=True,
)
def undo(context: Context, count: int | None, to: Moment | None) -> Report:
    """Take back the last edits, or all after a step or mark. What was saved stays saved."""
    return context.services.undo(_count(count, to), to)


@operation(
    "redo",
    COUNT,
    Parameter(
        "to", Moments("undone moments"), "go on to just after that step, or to that mark", required=False
    ),
    counts=False,
    examples=("redo", "redo: 2", "redo: to: after-merge"),
    in_plans=False,
    inspects=True,
)
def redo(context: Context, count: int | None, to: Moment | None) -> Report:
    """Bring back edits that were undone, or all up to a step or mark."""
    return context.services.redo(_count(count, to), to)


def _count(count: int | None, to: Moment | None) -> int:
    if count is not None and to is not None:
        fail("count and to are two ways to say how far", hint="give one of them")
    return 1 if count is None else count
