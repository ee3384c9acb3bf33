"""``assign``."""

from __future__ import annotations

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import BROADCAST, FROM
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.declaration.references import Names
from brainsurgery_shell.graph.build import expand
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Selection, find
from brainsurgery_shell.workspace.writes import Must, Writes


@operation(
    "assign",
    FROM,
    Parameter("to", Names("a template for existing names"), "the tensors or slices that are overwritten"),
    BROADCAST,
    examples=("assign: from: 'tuned::(.*)', to: 'base::\\1'", "assign: from: row, to: 'wte::[5]'"),
    selects=True,
)
def assign(
    context: Context,
    from_: Reference,
    to: Template,
    broadcast: bool,
    selection: Selection,
) -> Edit:
    """Write tensors over existing ones, or over slices of them."""
    found = find(context.workspace, from_, selection)
    found.check(to)
    writes = Writes(context.workspace, len(found))
    destinations = writes.destinations(to, found)
    current = writes.current_all(destinations)
    values = found.selected()
    if broadcast:
        values = [expand(value, there.shape) for value, there in zip(values, current, strict=True)]
    writes.put_all(destinations, values, Must.FIT, found.names)
    return writes.edit()
