"""``transpose`` and ``transpose_``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import tensorwise
from brainsurgery_shell.declaration.kinds import Integer
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import permute, resolve_dim
from brainsurgery_shell.graph.tensor import LazyTensor


@tensorwise(
    "transpose",
    Parameter("dim0", Integer(), "one dim", required=False, default=-2),
    Parameter("dim1", Integer(), "the other", required=False, default=-1),
    examples=("transpose: from: w, to: wt", "transpose_: target: 'h\\.\\d+\\.attn\\.weight'"),
)
def transpose(tensor: LazyTensor, *, name: str, dim0: int, dim1: int) -> LazyTensor:
    """Swap two dims of tensors; the last two unless said otherwise."""
    if tensor.rank < 2:
        fail(f"shape {list(tensor.shape)} has no two dims to swap")
    order = list(range(tensor.rank))
    a, b = resolve_dim(dim0, tensor.rank), resolve_dim(dim1, tensor.rank)
    order[a], order[b] = order[b], order[a]
    return permute(tensor, order)
