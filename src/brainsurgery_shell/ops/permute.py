"""``permute`` and ``permute_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Integers
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.graph.build import permute as permute_tensor
from brainsurgery_shell.graph.tensor import LazyTensor


@tensorwise(
    "permute",
    Parameter("order", Integers(), "for each dim of the result, the dim it comes from"),
    examples=("permute: from: w, to: v, order: [1, 0]", "permute_: target: conv, order: [2, 3, 1, 0]"),
)
def permute(tensor: LazyTensor, *, name: str, order: tuple[int, ...]) -> LazyTensor:
    """Put the dims of tensors in another order."""
    return permute_tensor(tensor, order)
