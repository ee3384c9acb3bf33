"""``move``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import FROM, TO_NEW
from brainsurgery_shell.declaration.operation import operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Selection, find
from brainsurgery_shell.workspace.writes import Must, Writes


@operation(
    "move",
    FROM,
    TO_NEW,
    examples=(
        "move: from: 'text_model\\.(.*)', to: 'model.\\1'",
        "move: from: [h, $i, '*rest'], to: [h, '${i-4}', '*rest']",
    ),
    selects=True,
    aka=("rename", "mv"),
)
def move(
    context: Context,
    from_: Reference,
    to: Template,
    selection: Selection,
) -> Edit:
    """Rename tensors, all at once: names may shift or swap. A tensor keeps its place in the checkpoint."""
    for part in (from_, to):
        if part.slice is not None:
            fail("move renames whole tensors: no slices", hint="copy takes slices", span=part.span)
    found = find(context.workspace, from_, selection)
    found.check(to)
    writes = Writes(context.workspace, len(found))
    for match in found:
        writes.move(match, writes.destination(to, match), Must.BE_NEW)
    return writes.edit()
