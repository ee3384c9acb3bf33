"""``mark``."""

from __future__ import annotations

from functools import partial

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.moments import NewMark
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.views.table import Column, Styled, table
from brainsurgery_shell.workspace.edit import Report


@operation(
    "mark",
    Parameter(
        "name", NewMark("a name"), "what to call this moment; without it, marks are listed", required=False
    ),
    examples=("mark: before-merge", "mark"),
    counts=False,
    in_plans=False,
    inspects=True,
    aka=("tag", "bookmark"),
)
def mark(context: Context, name: str | None) -> Report:
    """Name this moment, for undo: to, redo: to and diff: against. A name that is in use moves here."""
    if name is not None:
        return context.services.mark(name)
    marks = context.services.marks()
    data = [
        {"mark": name, "after": after, "undone": not in_force} for name, (after, in_force) in marks.items()
    ]
    return Report.drawn(partial(_lines, marks), data, len(data))


def _lines(marks: dict[str, tuple[int, bool]], page: Page) -> list[str]:
    if not marks:
        return ["no marks yet"]
    rows = [
        (
            Styled(name, "bold"),
            f"after step {after}" if after else "as the session began",
            "" if in_force else "undone",
        )
        for name, (after, in_force) in marks.items()
    ]
    return table([Column(), Column(), Column()], rows, page)
