"""``journal``."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from brainsurgery_shell.declaration.context import Context, PastStep
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.views.page import Page, Style
from brainsurgery_shell.views.table import Cell, Column, Styled, table
from brainsurgery_shell.workspace.edit import Report

LIMIT = Parameter("limit", Integer(1), "only the last so many", required=False)
FORMAT = Parameter("format", Choice(("table", "json")), "how", required=False, default="table")


@operation(
    "journal",
    LIMIT,
    FORMAT,
    examples=("journal", "journal: 20", "journal: format: json"),
    counts=False,
    in_plans=False,
    inspects=True,
    aka=("log", "steps", "timeline"),
)
def journal(context: Context, limit: int | None, format_: str) -> Report:
    """List the steps of this session, numbered, with tensors, size and time; undone ones are marked."""
    steps = context.services.journal()
    if limit is not None:
        steps = steps[-limit:]
    rows = [_row(step) for step in steps]
    if format_ == "json":
        return Report.document(rows, len(rows))
    return Report.drawn(partial(_lines, steps), rows, len(rows))


def _row(step: PastStep) -> dict[str, Any]:
    row = asdict(step)
    row["undone"] = step.state != "in force"
    if step.time is not None:
        row["time"] = datetime.fromtimestamp(step.time, UTC).isoformat(timespec="milliseconds")
    return row


def _lines(steps: list[PastStep], page: Page) -> list[str]:
    columns = [
        Column("step", right=True),
        Column(),
        Column("command", shorten="end", least=20),
        Column("tensors", right=True),
        Column("size", right=True),
        Column("at", right=True),
        Column("took", right=True),
    ]
    if not any(step.state != "in force" for step in steps):
        columns[1:2] = []
    return table(columns, [_cells(step, len(columns)) for step in steps], page) or ["no steps yet"]


def _cells(step: PastStep, columns: int) -> list[Cell]:
    in_force = step.state == "in force"
    style: Style | None = "struck" if not in_force else "cyan" if step.mark is not None else None
    touches = step.role in ("edit", "save")
    texts = [
        str(step.number),
        *([] if columns < 7 else ["" if in_force else step.state]),
        step.line,
        str(step.tensors) if touches else "",
        size_words(step.nbytes) if touches and step.nbytes else "",
        _clock(step.time),
        _took(step.seconds),
    ]
    return [Styled(text, style) for text in texts]


def _clock(when: float | None) -> str:
    """The time of day; of another day, with the date."""
    if when is None:
        return ""
    local = time.localtime(when)
    today = local[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", local)


def _took(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
