"""``multiply`` and ``multiply_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import BROADCAST, pairwise
from brainsurgery_shell.graph.build import arithmetic
from brainsurgery_shell.graph.elementary import times
from brainsurgery_shell.graph.tensor import LazyTensor


@pairwise(
    "multiply",
    BROADCAST,
    examples=("multiply: from_a: w, from_b: mask, to: masked", "multiply_: from: 'mask.(.*)', to: '\\1'"),
)
def multiply(a: LazyTensor, b: LazyTensor, *, broadcast: bool) -> LazyTensor:
    """Multiply tensors element by element: a * b. Shapes and dtypes must agree."""
    return arithmetic(times, a, b, broadcast, logical=True)
