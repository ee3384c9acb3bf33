"""``help``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Label
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.workspace.edit import Report


@operation(
    "help",
    Parameter("topic", Label("an operation or topic", "topics"), "what to explain", required=False),
    Parameter("assert", Label("an expression", "expressions"), "an assertion to explain", required=False),
    aka=("man", "info"),
    examples=("help", "help: copy", "help: assert: shape"),
    inspects=True,
    counts=False,
)
def help_(context: Context, topic: str | None, assert_: str | None) -> Report:
    """Explain an operation or an assertion, or list them all."""
    return Report(context.services.help(topic, assert_))
