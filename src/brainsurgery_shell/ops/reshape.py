"""``reshape`` and ``reshape_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import ShapeKind
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.graph.build import reshape as reshape_tensor
from brainsurgery_shell.graph.tensor import LazyTensor


@tensorwise(
    "reshape",
    Parameter("shape", ShapeKind("a shape such as [12, -1]", least=-1), "the new shape; one size may be -1"),
    examples=("reshape: from: w, to: heads, shape: [12, 64, -1]", "reshape_: target: w, shape: [-1]"),
)
def reshape(tensor: LazyTensor, *, name: str, shape: tuple[int, ...]) -> LazyTensor:
    """Give tensors another shape with the same elements, in row-major order."""
    return reshape_tensor(tensor, shape)
