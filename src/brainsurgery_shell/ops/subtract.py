"""``subtract`` and ``subtract_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import BROADCAST, pairwise
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.graph.build import arithmetic, bound, require_number
from brainsurgery_shell.graph.elementary import minus
from brainsurgery_shell.graph.tensor import LazyTensor


@pairwise(
    "subtract",
    Parameter("alpha", Number(), "a factor for the second tensors", required=False, default=1),
    BROADCAST,
    examples=(
        "subtract: from_a: 'a::(.*)', from_b: 'b::\\1', to: 'c::\\1'",
        "subtract_: from: 'delta.(.*)', to: '\\1'",
    ),
)
def subtract(a: LazyTensor, b: LazyTensor, *, alpha: float, broadcast: bool) -> LazyTensor:
    """Subtract tensors: a - alpha * b. Shapes and dtypes must agree."""
    alpha = require_number(alpha, a.dtype, "alpha")
    return arithmetic(bound(minus, alpha), a, b, broadcast)
