"""``scale`` and ``scale_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.graph.build import (
    bound,
    elementwise,
    require_arithmetic,
    require_number,
    require_whole,
)
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.elementary import times
from brainsurgery_shell.graph.tensor import LazyTensor


@tensorwise(
    "scale",
    Parameter("by", Number(), "the factor"),
    examples=("scale: from: 'h.0.(.*)', to: 'scaled.\\1', by: 2", "scale_: target: '.*\\.weight', by: 0.5"),
)
def scale(tensor: LazyTensor, *, name: str, by: float) -> LazyTensor:
    """Multiply tensors by a number. Shape and dtype stay."""
    require_arithmetic(tensor)
    require_whole(by, tensor.dtype, "by")
    # torch wraps whole numbers and lets floats become infinite: the range of the dtype is no limit here
    widest = BY_NAME["int64"] if tensor.dtype.cls == "int" else BY_NAME["float64"]
    return elementwise(bound(times, require_number(by, widest, "by")), tensor)
