"""``preview``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.expansion import OneStep, Planned
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.workspace.edit import Report


@operation(
    "preview",
    Parameter("step", OneStep(), "what to look at", whole_payload=True),
    Parameter("limit", Integer(1), "show so many names", required=False),
    Parameter("format", Choice(("table", "json")), "how", required=False, default="table"),
    examples=(
        "preview: { scale_: { target: '.*\\.weight', by: 2 } }",
        'preview: \'move: from: "h\\.(.*)", to: "layers.\\1"\'',
        "preview: step: { delete: '.*\\.bias' }, limit: 10",
    ),
    aka=("foresee", "what-if", "dry-run"),
    counts=False,
    in_plans=False,
    inspects=True,
)
def preview(context: Context, step: Planned, limit: int | None, format_: str) -> Report:
    """Show what a step would do, without doing it: each name with its dtype and shape before and after."""
    return context.services.preview(step, limit=limit, layout=format_)
