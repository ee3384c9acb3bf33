"""``history`` and ``summarize``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Boolean, Choice
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.workspace.edit import Report


@operation("history", examples=("history",), in_plans=False, counts=False, inspects=True)
def history(context: Context) -> Report:
    """List the steps of this session, numbered; undone ones are marked."""
    return context.services.history()


@operation(
    "summarize",
    Parameter("format", Choice(("yaml", "oly")), "a plan or a script", required=False, default="yaml"),
    Parameter("all", Boolean(), "also dump, diff and help", required=False, default=False),
    Parameter("resolve", Boolean(), "concrete names instead of patterns", required=False, default=False),
    Parameter(
        "requires",
        Choice(("header", "content")),
        "the plan runs on these inputs alone: on their names, dtypes and shapes, or on their values too",
        required=False,
    ),
    examples=("summarize", "summarize: format: oly", "summarize: requires: content"),
    in_plans=False,
    counts=False,
    inspects=True,
)
def summarize(context: Context, format_: str, all_: bool, resolve: bool, requires: str | None) -> Report:
    """Print the plan of the steps in force. Run on the same inputs, it gives bit-identical outputs."""
    if requires is not None and format_ != "yaml":
        fail("a script cannot require its inputs", hint="leave out format, or requires")
    return context.services.summarize(everything=all_, resolve=resolve, layout=format_, requires=requires)
