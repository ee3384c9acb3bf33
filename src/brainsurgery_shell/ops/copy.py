"""``copy``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import FROM, TO_NEW
from brainsurgery_shell.declaration.operation import operation
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Selection, find
from brainsurgery_shell.workspace.writes import Must, Writes


@operation(
    "copy",
    FROM,
    TO_NEW,
    examples=(
        "copy: from: 'h\\.0\\.(.*)', to: 'h.12.\\1'",
        "copy: from: 'base::wte::[:100]', to: 'small::wte'",
    ),
    selects=True,
    aka=("cp", "clone", "duplicate"),
)
def copy(
    context: Context,
    from_: Reference,
    to: Template,
    selection: Selection,
) -> Edit:
    """Copy tensors, or slices of them, to new names."""
    found = find(context.workspace, from_, selection)
    found.check(to)
    writes = Writes(context.workspace, len(found))
    for match in found:
        writes.put(writes.destination(to, match), match.selected(), Must.BE_NEW, match.name)
    return writes.edit()
