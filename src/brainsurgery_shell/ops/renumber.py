"""``renumber``."""

from __future__ import annotations

from itertools import compress, takewhile

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Integer
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.reference import Reference, SegmentsExpr
from brainsurgery_shell.lang.segments import Many, One
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Columns, Found, Selection, find
from brainsurgery_shell.workspace.writes import Destinations, Must, Writes


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
    texts = _numbers(found, captures[0])
    new = {number: start + place for place, number in enumerate(sorted(set(map(int, texts))))}
    renamed = [str(new[int(text)]) for text in texts]
    changes = [text != number for text, number in zip(texts, renamed, strict=True)]
    before = _places(target.expr, found)
    names = []
    for name, at, number in compress(zip(found.names, before, renamed, strict=True), changes):
        segments = name.split(".")
        segments[at] = number
        names.append(".".join(segments))
    writes = Writes(context.workspace, len(found))
    moved = Columns(found.alias, list(compress(found.names, changes)), list(compress(found.tensors, changes)))
    writes.move_all(moved, Destinations(found.alias, names, None, target.span), Must.BE_NEW)
    return writes.edit()


def _places(expr: SegmentsExpr, found: Found) -> list[int]:
    """Which segment of each name the $capture takes."""
    parts = list(takewhile(lambda part: not isinstance(part, One), expr.segments))
    index = found.matcher.index
    lists = [index[part.name] for part in parts if isinstance(part, Many)]
    return [len(parts) - len(lists) + sum(len(groups[at]) for at in lists) for groups in found.groups]


def _numbers(found: Found, capture: str) -> list[str]:
    """The text that the capture takes in each name."""
    at = found.matcher.index[capture]
    texts = []
    for name, groups in zip(found.names, found.groups, strict=True):
        text = str(groups[at])
        if not (text.isascii() and text.isdecimal()):
            fail(f"the capture takes '{text}' in {name}, which is no number", span=found.reference.span)
        texts.append(text)
    return texts
