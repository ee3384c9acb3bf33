"""``assert``."""

from __future__ import annotations

from brainsurgery_shell.assertions.declare import Assertion, Expression, Undecided
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import CheckFailed
from brainsurgery_shell.workspace.edit import Report


@operation(
    "assert",
    Parameter("that", Expression(), "an expression that must hold", whole_payload=True),
    examples=(
        "assert: exists: 'h.0.attn.weight'",
        "assert: all: [{ finite: '.*' }, { count: { of: '.*', is: 148 } }]",
    ),
    counts=False,
    reads=True,
)
def assert_(context: Context, that: Assertion) -> Report:
    """Stop unless an expression holds."""
    try:
        problem = that.problem(context)
    except Undecided:
        return Report([])
    if problem is not None:
        raise CheckFailed(f"assertion failed: {problem}")
    return Report([])
