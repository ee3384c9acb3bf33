"""``help``."""

from __future__ import annotations

from functools import partial

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Label
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.workspace.edit import Report


@operation(
    "help",
    Parameter(
        "topic", Label("an operation, assertion or topic", "topics"), "what to explain", required=False
    ),
    Parameter("assert", Label("an expression", "expressions"), "an assertion to explain", required=False),
    aka=("man", "info"),
    examples=("help", "help: copy", "help: references", "help: keys", "help: assert: shape"),
    inspects=True,
    counts=False,
)
def help_(context: Context, topic: str | None, assert_: str | None) -> Report:
    """Explain an operation, an assertion or a topic, or list them all."""
    return Report.drawn(partial(context.services.help, topic, assert_))
