"""``matmul``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import BROADCAST, pairwise
from brainsurgery_shell.graph.matmul import matmul as matmul_tensors
from brainsurgery_shell.graph.tensor import LazyTensor


@pairwise(
    "matmul",
    BROADCAST,
    examples=("matmul: from_a: 'h\\.(\\d+)\\.lora_B', from_b: 'h.\\1.lora_A', to: 'h.\\1.delta'",),
    in_place=False,
)
def matmul(a: LazyTensor, b: LazyTensor, *, broadcast: bool) -> LazyTensor:
    """Multiply matrices, or batches of them. Batch dims and dtypes must agree."""
    return matmul_tensors(a, b, broadcast=broadcast)
