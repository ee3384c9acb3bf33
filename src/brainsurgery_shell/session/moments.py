"""Moments of a session: how many edits away they are, and the workspace as it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from brainsurgery_shell.declaration.moments import Moment
from brainsurgery_shell.errors import StepError, did_you_mean, fail
from brainsurgery_shell.session.record import Record, Timeline
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session

Direction = Literal["undo", "redo"]


def count_to(timeline: Timeline, moment: Moment, what: Direction) -> int:
    """How many edits ``what`` must go over to come to ``moment``; 0 if it is now.

    Of a mark that was made several times, undo means the last before now, and redo the first after it.

    Raises:
        StepError: there is no such moment, or it lies in the other direction.
    """
    back, forth = _back(timeline, moment), _forth(timeline, moment)
    count = back if what == "undo" else 0 if back == 0 and forth is None else forth
    if count is not None:
        return count
    if forth is not None:
        fail(f"{shown(moment)} was undone", hint=f"redo: to: {moment}")
    if back is not None:
        fail(f"{shown(moment)} is in force", hint=f"undo: to: {moment}")
    raise _unknown(timeline, moment)


def workspace_at(session: Session, moment: Moment) -> Workspace:
    """The workspace as it was, or would be again, just after ``moment``: a copy; nothing is evaluated.

    Raises:
        StepError: there is no such moment.
    """
    if session.recorder.groups:
        fail("in a file that is executed there are no moments", hint="compare when it is done")
    timeline = session.timeline
    back, forth = _back(timeline, moment), _forth(timeline, moment)
    if back is not None:
        edits = [record for record in reversed(timeline.steps) if record.role == "edit"][:back]
    elif forth is not None:
        edits = [group[0] for group in reversed(timeline.undone)][:forth]
    else:
        raise _unknown(timeline, moment)
    workspace = session.workspace.copy()
    for record in edits:
        for inverse in record.inverse:
            workspace.apply(inverse.detached())
    return workspace


def shown(moment: Moment) -> str:
    """For messages."""
    return f"step {moment}" if isinstance(moment, int) else f"the mark '{moment}'"


def marks(timeline: Timeline) -> dict[str, Record]:
    """The marks that undo or redo can go to, in the order of their steps."""
    undone = [record for group in reversed(timeline.undone) for record in group]
    found: dict[str, Record] = {}
    for record in (*reversed(timeline.steps), *undone):
        if record.mark is not None:
            found.setdefault(record.mark, record)
    return dict(sorted(found.items(), key=lambda item: item[1].number))


def _back(timeline: Timeline, moment: Moment) -> int | None:
    """How many edits in force follow it; ``None``: it is not in force."""
    edits = 0
    for record in reversed(timeline.steps):
        if _is(record, moment):
            return edits
        edits += record.role == "edit"
    return edits if moment == 0 else None


def _forth(timeline: Timeline, moment: Moment) -> int | None:
    """How many undone edits lead to it; ``None``: none do."""
    for forth, group in enumerate(reversed(timeline.undone), 1):
        if any(_is(record, moment) for record in group):
            return forth
    return None


def _is(record: Record, moment: Moment) -> bool:
    return record.number == moment if isinstance(moment, int) else record.mark == moment


def _unknown(timeline: Timeline, moment: Moment) -> StepError:
    if any(_is(record, moment) for record in timeline.everything):
        return StepError(
            f"{shown(moment)} was undone, and an edit since then took its place",
            hint="journal shows which steps can be reached",
        )
    if isinstance(moment, int):
        steps = len(timeline.everything)
        count = "1 step" if steps == 1 else f"{steps or 'no'} steps"
        return StepError(f"there is no step {moment}: the session has {count}", hint="journal lists them")
    known = list(marks(timeline))
    return StepError(
        f"there is no mark '{moment}'",
        hint=did_you_mean(moment, known)
        or (f"marks: {', '.join(known)}" if known else "mark: NAME makes one"),
    )
