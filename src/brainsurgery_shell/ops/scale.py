"""``scale`` and ``scale_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import bound, elementwise, require_arithmetic
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
    if tensor.dtype.cls == "int" and not isinstance(by, int):
        fail(
            f"{tensor.dtype} scales by whole numbers only, not by {by}", hint="cast it to a float dtype first"
        )
    return elementwise(bound(times, by), tensor)
