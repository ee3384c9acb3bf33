"""``source``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.expansion import Expansion
from brainsurgery_shell.declaration.kinds import Text
from brainsurgery_shell.declaration.operation import Parameter, operation


@operation(
    "source",
    Parameter("path", Text("a path", "paths"), "a plan (.yaml) or a script (.oly)"),
    examples=("source: cleanup.oly",),
    counts=False,
)
def source(context: Context, path: str) -> Expansion:
    """Run the steps of a plan or script as one step: execute by the name that it has in Unix shells."""
    return context.services.steps_of(path)
