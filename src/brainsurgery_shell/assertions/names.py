"""Expressions about names: ``exists``, ``count``."""

from __future__ import annotations

from brainsurgery_shell.assertions.declare import OF, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Count
from brainsurgery_shell.declaration.operation import WHERE, Parameter
from brainsurgery_shell.errors import listed
from brainsurgery_shell.lang.nearest import no_match
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.matching import Selection, Where, find


@expression(
    "exists", OF, examples=("assert: exists: 'h.0.attn.weight'", "assert: not: { exists: '.*\\.bias' }")
)
def exists(context: Context, of: Reference) -> str | None:
    """At least one tensor matches."""
    if find(context.workspace, of, none_is_fine=True):
        return None
    workspace = context.workspace
    near = no_match(of, workspace.checkpoints[workspace.alias(of.alias)].names(), list(workspace.checkpoints))
    return f"nothing matches '{of.text}'" + (f" ({near.hint})" if near.hint else "")


@expression(
    "count",
    OF,
    Parameter("is", Count(0), "how many"),
    WHERE,
    examples=("assert: count: { of: '.*\\.weight', is: 74 }",),
)
def count(context: Context, of: Reference, is_: int, where: Where | None) -> str | None:
    """Exactly so many tensors match; none is a count too."""
    found = find(context.workspace, of, Selection(None, where, None), none_is_fine=True)
    if len(found) == is_:
        return None
    names = listed(found.names)
    return f"expected {is_} tensors, '{of.text}' matches {len(found)}" + (f": {names}" if names else "")
