"""``history`` and ``summarize``."""

from __future__ import annotations

from dataclasses import asdict

from brainsurgery_shell.declaration.context import Context, PastLine
from brainsurgery_shell.declaration.kinds import Boolean, Choice
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.ops.journal import FORMAT, LIMIT
from brainsurgery_shell.views.text import visible
from brainsurgery_shell.workspace.edit import Report


@operation(
    "history",
    LIMIT,
    FORMAT,
    examples=("history", "history: 20"),
    in_plans=False,
    counts=False,
    inspects=True,
)
def history(context: Context, limit: int | None, format_: str) -> Report:
    """List the lines that were run in this session, numbered; what a step drew stands behind its line."""
    lines = context.services.history()
    if limit is not None:
        lines = lines[-limit:]
    data = [asdict(line) for line in lines]
    if format_ == "json":
        return Report.document(data, len(data))
    width = len(str(lines[-1].number)) if lines else 0
    shown = [f"{line.number:>{width}}  {visible(line.line)}{_drawn(line)}" for line in lines]
    return Report(shown or ["no lines yet"], data, len(data))


def _drawn(line: PastLine) -> str:
    """As a comment: the line can still be run as it is."""
    return f"  # {line.drawn}" if line.drawn is not None else ""


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
