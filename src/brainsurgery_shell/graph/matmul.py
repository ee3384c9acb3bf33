"""Matrix products: ``torch.matmul`` of one, two or more dims, with torch's rules for their shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import broadcast_shape, require_arithmetic
from brainsurgery_shell.graph.kernel import WholeKernel
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed

if TYPE_CHECKING:
    import torch


ROWS = 512
"""Rows of the result made at once. A constant: it may show in its last bits."""


class Matmul(WholeKernel):
    """``torch.matmul`` of both inputs."""

    __slots__ = ()

    def compute(self, out: LazyTensor, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Block by block of rows, so that Ctrl-C need not wait for all of them."""
        module, (a, b) = load_torch(), inputs
        if a.dim() != 2 or b.dim() > 2 or a.shape[0] <= ROWS:
            product: torch.Tensor = module.matmul(a, b)
            return product
        result = a.new_empty(out.shape)
        for row in range(0, a.shape[0], ROWS):
            module.matmul(a[row : row + ROWS], b, out=result[row : row + ROWS])
        return result


def matmul(a: LazyTensor, b: LazyTensor, *, broadcast: bool) -> LazyTensor:
    """The matrix product of two tensors of one dtype.

    Raises:
        StepError: dtypes or shapes do not fit; batch dims that differ need ``broadcast``.
    """
    for each in (a, b):
        require_arithmetic(each)
    if a.dtype is not b.dtype:
        fail(f"dtypes differ: {a.dtype} and {b.dtype}", hint="cast one of them: cast_: target: …, to: …")
    return computed(matmul_shape(a.shape, b.shape, broadcast=broadcast), a.dtype, Matmul((a, b)))


def matmul_shape(a: Shape, b: Shape, *, broadcast: bool) -> Shape:
    """The shape of the product: [batch, m, k] by [batch, k, n] is [batch, m, n].

    A tensor of rank 1 is a row on the left and a column on the right; the result lacks that dim.
    """
    if not a or not b:
        fail(
            f"shapes {list(a)} and {list(b)} have no matrix product: a tensor of rank 0 is no matrix",
            hint="multiply scales by a tensor, with broadcast: true",
        )
    if a[-1] != b[-2 if len(b) > 1 else 0]:
        fail(
            f"shapes {list(a)} and {list(b)} have no matrix product: the last dim of the first has size "
            f"{a[-1]}, the {'last but one' if len(b) > 1 else 'only'} dim of the second {b[-2:][0]}",
            hint="transpose one of them?" if len(b) > 1 and a[-1] == b[-1] else None,
        )
    left, right = a[:-2], b[:-2]
    if left != right and not broadcast:
        fail(
            f"batch dims differ: {list(left)} of shape {list(a)} and {list(right)} of shape {list(b)}",
            hint="broadcast: true asks for broadcasting",
        )
    return (*broadcast_shape(left, right), *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))
