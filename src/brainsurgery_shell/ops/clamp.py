"""``clamp`` and ``clamp_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import bound, elementwise, require_arithmetic
from brainsurgery_shell.graph.elementary import clamped
from brainsurgery_shell.graph.tensor import LazyTensor


@tensorwise(
    "clamp",
    Parameter("min", Number(), "the least value", required=False),
    Parameter("max", Number(), "the greatest value", required=False),
    examples=("clamp: from: w, to: v, max: 1", "clamp_: target: '.*\\.weight', min: -0.1, max: 0.1"),
)
def clamp(
    tensor: LazyTensor,
    *,
    name: str,
    min: float | None,
    max: float | None,
) -> LazyTensor:
    """Limit values to a range. At least one of min and max; NaN stays."""
    if min is None and max is None:
        fail("clamp needs min, max or both")
    require_arithmetic(tensor)
    if tensor.dtype.cls == "complex":
        fail("complex numbers have no order")
    limits = [limit for limit in (min, max) if limit is not None]
    if tensor.dtype.cls == "int" and not all(isinstance(limit, int) for limit in limits):
        fail(f"{tensor.dtype} is clamped to whole numbers only")
    if tensor.dtype.cls == "int" and not all(
        tensor.dtype.lowest <= limit <= tensor.dtype.highest for limit in limits
    ):
        fail(f"a limit lies outside the range of {tensor.dtype}")
    return elementwise(bound(clamped, min, max), tensor)
