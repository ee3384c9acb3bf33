"""``undo`` and ``redo``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.workspace.edit import Report

COUNT = Parameter("count", Integer(1), "how many steps", required=False, default=1)


@operation("undo", COUNT, counts=False, examples=("undo", "undo: 3"), in_plans=False, inspects=True)
def undo(context: Context, count: int) -> Report:
    """Take back the last edits. What was saved stays saved."""
    return context.services.undo(count)


@operation("redo", COUNT, counts=False, examples=("redo", "redo: 2"), in_plans=False, inspects=True)
def redo(context: Context, count: int) -> Report:
    """Bring back edits that were undone."""
    return context.services.redo(count)
