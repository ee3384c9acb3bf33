"""What a session did, as data: its steps, its marks and the lines that were run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.context import PastLine, PastStep
from brainsurgery_shell.declaration.offers import Offer
from brainsurgery_shell.lang.printer import print_command, print_node
from brainsurgery_shell.lang.tree import from_value
from brainsurgery_shell.session.moments import marks
from brainsurgery_shell.session.record import Record, Timeline

if TYPE_CHECKING:
    from brainsurgery_shell.session.recorder import Line, Recorder

_OFFERED = {
    "marks": (True, False),
    "moments": (True, False),
    "moments in force": (True,),
    "undone moments": (False,),
}
"""What completion asks for: whether it is to be in force."""


def past_steps(timeline: Timeline) -> list[PastStep]:
    """Every step by number, those undone among them."""
    can_be_redone = {id(record) for group in timeline.undone for record in group}
    return [_step(record, id(record) in can_be_redone) for record in timeline.everything]


def _step(record: Record, can_be_redone: bool) -> PastStep:
    return PastStep(
        record.number,
        print_command(record.command),
        record.role,
        "in force" if not record.undone else "undone" if can_be_redone else "replaced",
        record.time,
        record.seconds,
        record.count,
        record.nbytes,
        record.mark,
        tuple(print_command(leaf.command) for part in record.parts for leaf in part.leaves()),
    )


def past_marks(timeline: Timeline) -> dict[str, tuple[int, bool]]:
    """The marks that can be reached: after which edit (0: before any), and whether that is in force."""
    return {
        name: (edit_before(timeline, record), not record.undone) for name, record in marks(timeline).items()
    }


def edit_before(timeline: Timeline, record: Record | None = None) -> int:
    """The number of the last edit before a step, in force or to be redone; without a step, before now."""
    undone = [] if record is None else [each for group in reversed(timeline.undone) for each in group]
    last = 0
    for each in (*timeline.steps, *undone):
        if each is record:
            break
        if each.role == "edit":
            last = each.number
    return last


def past_lines(recorder: Recorder) -> list[PastLine]:
    """Every line that ran before the one that asks."""
    return [
        PastLine(number, line.text, line.time, _drawn(line))
        for number, line in enumerate(recorder.lines[:-1], 1)
    ]


def _drawn(line: Line) -> str | None:
    drawn = line.record.drawn if line.record is not None else {}
    return ", ".join(f"{name}: {print_node(from_value(value))}" for name, value in drawn.items()) or None


def offers(timeline: Timeline, what: str) -> Iterable[Offer]:
    """For completion: ``marks``, or ``moments`` (marks and steps): all, those in force, or those undone."""
    wanted = _OFFERED.get(what, ())
    for name, (after, in_force) in past_marks(timeline).items():
        if in_force in wanted:
            yield Offer(name, f"after step {after}" + ("" if in_force else ", undone"))
    if what == "marks":
        return
    for step in reversed(past_steps(timeline)):
        in_force = step.state == "in force"
        if in_force in wanted and step.state != "replaced" and step.mark is None:
            yield Offer(str(step.number), step.line + ("" if in_force else ", undone"), literal=True)
