"""``clamp`` and ``clamp_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import bound, elementwise, require_arithmetic, require_number
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
    low = None if min is None else require_number(min, tensor.dtype, "min")
    high = None if max is None else require_number(max, tensor.dtype, "max")
    return elementwise(bound(clamped, low, high), tensor)
