"""``delete``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Selection, find
from brainsurgery_shell.workspace.writes import Writes


@operation(
    "delete",
    Parameter("target", Tensors(), "the tensors to delete"),
    examples=("delete: '.*\\.bias'", "delete: target: '.*', where: { dtype: int64 }"),
    selects=True,
    aka=("rm", "remove", "del"),
)
def delete(context: Context, target: Reference, selection: Selection) -> Edit:
    """Delete tensors."""
    if target.slice is not None:
        fail("delete removes whole tensors: no slices", span=target.span)
    found = find(context.workspace, target, selection)
    writes = Writes(context.workspace, len(found))
    for match in found:
        writes.remove(match)
    return writes.edit()
