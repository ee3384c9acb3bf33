"""``add`` and ``add_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import BROADCAST, pairwise
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.graph.build import arithmetic, bound, require_number
from brainsurgery_shell.graph.elementary import plus
from brainsurgery_shell.graph.tensor import LazyTensor


@pairwise(
    "add",
    Parameter("alpha", Number(), "a factor for the second tensors", required=False, default=1),
    BROADCAST,
    examples=(
        "add: from_a: 'a::(.*)', from_b: 'b::\\1', to: 'c::\\1'",
        "add_: from: 'delta.(.*)', to: '\\1'",
    ),
)
def add(a: LazyTensor, b: LazyTensor, *, alpha: float, broadcast: bool) -> LazyTensor:
    """Add tensors: a + alpha * b. Shapes and dtypes must agree."""
    alpha = require_number(alpha, a.dtype, "alpha")
    return arithmetic(bound(plus, alpha), a, b, broadcast, logical=alpha == 1)
