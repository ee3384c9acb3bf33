"""``divide`` and ``divide_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import BROADCAST, pairwise
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import arithmetic
from brainsurgery_shell.graph.elementary import over
from brainsurgery_shell.graph.tensor import LazyTensor


@pairwise(
    "divide", BROADCAST, examples=("divide: from_a: w, from_b: norm, to: scaled", "divide_: from: s, to: w")
)
def divide(a: LazyTensor, b: LazyTensor, *, broadcast: bool) -> LazyTensor:
    """Divide tensors element by element: a / b. Shapes and dtypes must agree."""
    if a.dtype.cls == "int":
        fail(f"dividing {a.dtype} does not give {a.dtype}", hint="cast both to a float dtype first: cast_")
    return arithmetic(over, a, b, broadcast)
