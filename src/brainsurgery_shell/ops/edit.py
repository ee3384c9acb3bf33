"""``edit``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.expansion import Expansion
from brainsurgery_shell.declaration.kinds import Integer, Text
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.workspace.edit import Report


@operation(
    "edit",
    Parameter("path", Text("a path", "paths"), "a plan or script to edit and save", required=False),
    Parameter(
        "count",
        Integer(1),
        "how many of the last steps (default 1); undo them first to replace them",
        required=False,
    ),
    examples=("edit", "edit: count: 3", "edit: cleanup.oly"),
    aka=("vi", "vim", "nano", "emacs", "fc"),
    in_plans=False,
    inspects=True,
    counts=False,
)
def edit(context: Context, path: str | None, count: int | None) -> Expansion | Report:
    """Open the last steps in $VISUAL or $EDITOR and run what is saved, as one more step; or edit a file."""
    if path is not None and count is not None:
        fail("edit takes a path, or count", hint="edit: count: 3")
    return context.services.edit(path, count or 1)
