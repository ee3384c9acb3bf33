"""``execute``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.expansion import Expansion, Steps, inline
from brainsurgery_shell.declaration.kinds import Text
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.tree import Command


@operation(
    "execute",
    Parameter("path", Text("a path", "paths"), "a plan (.yaml) or a script (.oly)", required=False),
    Parameter("transforms", Steps(), "the steps themselves", required=False),
    examples=(
        "execute: cleanup.yaml",
        "execute: transforms: [{ delete: '.*\\.bias' }, 'scale_: target: \"w\", by: 2']",
    ),
    aka=("run",),
    primary="path",
    counts=False,
)
def execute(context: Context, path: str | None, transforms: tuple[Command, ...] | None) -> Expansion:
    """Run the steps of a plan or script as one step: whole or not at all, undone by one undo."""
    if (path is None) == (transforms is None):
        fail("execute takes a path, or transforms", hint="execute: cleanup.yaml")
    if transforms is not None:
        return inline(transforms)
    return context.services.steps_of(str(path))
