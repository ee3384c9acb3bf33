"""``renumber``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.reference import Reference, SegmentsExpr
from brainsurgery_shell.lang.segments import Many, One
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Match, Selection, find
from brainsurgery_shell.workspace.writes import Destination, Must, Writes


@operation(
    "renumber",
    Parameter("target", Tensors(), "a structured pattern with one $i: the segment that holds the number"),
    Parameter("start", Integer(0), "the first number", required=False, default=0),
    examples=("renumber: [h, $i, '*rest']", "renumber: target: [encoder, layer, $i, '*rest'], start: 1"),
    selects=True,
    together=True,
)
def renumber(
    context: Context,
    target: Reference,
    start: int,
    selection: Selection,
) -> Edit:
    """Close the gaps in the numbers that $i takes, in order. All names change at once."""
    if not isinstance(target.expr, SegmentsExpr):
        fail("renumber needs a structured pattern", hint="as in [h, $i, '*rest']", span=target.span)
    if target.slice is not None:
        fail("renumber renames whole tensors: no slices", span=target.span)
    captures = [part.name for part in target.expr.segments if isinstance(part, One)]
    if len(captures) != 1:
        fail(
            f"renumber needs exactly one $capture, found {len(captures)}",
            hint="'*rest' and '~regex' segments may stand beside it",
            span=target.span,
        )
    found = find(context.workspace, target, selection)
    places = [_place(target.expr, match) for match in found]
    numbers = {_number(match, at, target) for match, at in zip(found, places, strict=True)}
    new = {number: start + place for place, number in enumerate(sorted(numbers))}
    writes = Writes(context.workspace, len(found))
    for match, at in zip(found, places, strict=True):
        segments = match.name.split(".")
        number = str(new[int(segments[at])])
        if segments[at] != number:
            segments[at] = number
            to = Destination(match.alias, ".".join(segments), None, target.span)
            writes.move(match, to, Must.BE_NEW)
    return writes.edit()


def _place(expr: SegmentsExpr, match: Match) -> int:
    """Which segment of the name the $capture takes."""
    at = 0
    for part in expr.segments:
        if isinstance(part, One):
            return at
        at += len(match.captures[part.name]) if isinstance(part, Many) else 1
    return at


def _number(match: Match, at: int, target: Reference) -> int:
    text = match.name.split(".")[at]
    if not (text.isascii() and text.isdecimal()):
        fail(f"the capture takes '{text}' in {match.name}, which is no number", span=target.span)
    return int(text)
