"""``exit``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import operation


@operation("exit", aka=("quit", "q", "bye"), examples=("exit",), recorded=False, counts=False)
def exit_(context: Context) -> None:
    """End the session, plan or script; a plan's output is written. brainsurgery resume goes on."""
    context.services.leave()
