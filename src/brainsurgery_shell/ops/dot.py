"""``dot``."""

from __future__ import annotations

from brainsurgery_shell.declaration.families import pairwise
from brainsurgery_shell.graph.reduce import dot as dot_tensors
from brainsurgery_shell.graph.tensor import LazyTensor


@pairwise("dot", examples=("dot: from_a: 'a::(.*)', from_b: 'b::\\1', to: 'a::dot.\\1'",), in_place=False)
def dot(a: LazyTensor, b: LazyTensor) -> LazyTensor:
    """The full inner product of tensors: a tensor of rank 0. Shapes and dtypes must agree."""
    return dot_tensors(a, b)
