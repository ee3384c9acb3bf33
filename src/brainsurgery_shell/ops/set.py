"""``set``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Boolean
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.workspace.edit import Report


@operation(
    "set",
    Parameter(
        "dry-run",
        Boolean(),
        "run further steps on a copy and write nothing; false drops the copy",
        required=False,
        aka=("dry_run",),
    ),
    Parameter("preview", Boolean(), "show what each edit changes", required=False),
    Parameter("verbose", Boolean(), "tell tensors and time of each step", required=False),
    examples=("set: dry-run: true", "set: preview: true, verbose: true", "set"),
    primary="",
    counts=False,
    recorded=False,
)
def set_(context: Context, dry_run: bool | None, preview: bool | None, verbose: bool | None) -> Report:
    """Change how further steps are run and told; without parameters, show the settings."""
    return context.services.set_modes(dry_run=dry_run, preview=preview, verbose=verbose)
