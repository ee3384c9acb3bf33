"""Matrix products: ``torch.matmul`` of one, two or more dims, with torch's rules for their shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from brainsurgery_shell.errors import InternalError, fail
from brainsurgery_shell.graph.build import broadcast_shape, require_arithmetic
from brainsurgery_shell.graph.kernel import Kernel, Piece, Request, Rows
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.structure import join, strides_of
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed

if TYPE_CHECKING:
    import torch

ROWS = 512
"""Rows of the result made at once. A constant, like the others: it may show in the last bits."""
TILE = 1 << 22
"""Elements of the result, and of the left side, that are in memory at once."""
SIDE_BYTES = 32 << 20
"""Bytes of a right side that is in memory at once."""
PANEL = 1 << 21
"""Elements of it that are in memory at once where it is larger."""


class _Sizes(NamedTuple):
    """Products of ``m × k`` by ``k × n``, as many as ``batch`` says."""

    batch: Shape
    m: int
    k: int
    n: int


class Matmul(Kernel):
    """``torch.matmul`` of both inputs, some rows of the result at a time."""

    __slots__ = ("left", "right", "sizes")

    def __init__(self, a: LazyTensor, b: LazyTensor) -> None:
        super().__init__((a, b))
        m, k = a.shape[-2:] if a.rank > 1 else (1, a.shape[0])
        n = b.shape[-1] if b.rank > 1 else 1
        left, right = a.shape[:-2], b.shape[:-2]
        if math.prod(right) == 1:  # one matrix on the right: all rows on the left are those of one matrix
            left, right, m = (), (), math.prod(left) * m
        batch = broadcast_shape(left, right)
        self.sizes = _Sizes(batch, m, k, n)
        self.left, self.right = (_offsets(each, batch) for each in (left, right))
        """For each dim of the batch, how many matrices of an input lie between neighbours."""

    @property
    def whole_inputs(self) -> bool:
        """Yes: the right side is read for each block."""
        return True

    @property
    def dear(self) -> bool:
        """Yes."""
        return True

    def block(self, out: LazyTensor) -> int:
        """Some rows, of one matrix or of several small ones."""
        _, m, _, n = self.sizes
        if self._together > 1:
            return self._together * m * n
        return max(1, n) * min(self._rows_at_once, max(1, m))

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """The rows of the range, which begins and ends with one."""
        _, m, k, n = self.sizes
        row, end = start // n, stop // n
        if self._together > 1:
            first, count = row // m, (end - row) // m
            a = yield Request(self.inputs[0], first * m * k, (first + count) * m * k)
            b = yield Request(self.inputs[1], first * k * n, (first + count) * k * n)
            return _product(a.view(count, m, k), b.view(count, k, n)).reshape(-1)
        parts: list[torch.Tensor] = []
        while row < end:
            matrix, first = divmod(row, m)
            count = min(m - first, end - row)
            parts.append((yield from self._rows(matrix, first, count)))
            row += count
        return join(parts)

    @property
    def _rows_at_once(self) -> int:
        return max(1, min(ROWS, TILE // max(1, self.sizes.n)))

    @property
    def _together(self) -> int:
        """How many products are made at once: several, where both sides have as many small matrices."""
        batch, m, k, n = self.sizes
        if self.left != self.right or math.prod(batch) < 2:
            return 1
        return min(TILE // max(1, m * n, m * k), self._side // max(1, k * n))

    @property
    def _side(self) -> int:
        return SIDE_BYTES // self.inputs[1].dtype.itemsize

    def _rows(self, matrix: int, first: int, count: int) -> Piece:
        """``count`` rows of one product from ``first`` on, flat; where it is large, added up along ``k``."""
        batch, m, k, n = self.sizes
        a, b = self.inputs
        place = [matrix // stride % size for size, stride in zip(batch, strides_of(batch), strict=True)]
        left = (sum(at * apart for at, apart in zip(place, self.left, strict=True)) * m + first) * k
        right = sum(at * apart for at, apart in zip(place, self.right, strict=True)) * k * n
        if k * n <= self._side and count * k <= TILE:
            rows = yield Request(a, left, left + count * k)
            columns = yield Request(b, right, right + k * n)
            return _product(rows.view(count, k), columns.view(k, n)).reshape(-1)
        depth = max(1, PANEL // max(n, count))
        total: torch.Tensor | None = None
        for at in range(0, k, depth):
            wide = min(depth, k - at)
            rows = _wide((yield Rows(a, left + at, count, k, wide)).view(count, wide))
            columns = _wide((yield Request(b, right + at * n, right + (at + wide) * n)).view(wide, n))
            total = rows @ columns if total is None else total.addmm_(rows, columns)
        if total is None:
            raise InternalError("a product of nothing is not large")
        return total.to(torch_dtype(a.dtype)).view(-1)


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.dtype == load_torch().float16:  # torch has no fast product of it
        return _wide(a).matmul(_wide(b)).to(a.dtype)
    return a.matmul(b)


def _wide(matrix: torch.Tensor) -> torch.Tensor:
    """In float32 what is narrower, so that sums are rounded once."""
    narrow = matrix.is_floating_point() and matrix.element_size() < 4
    return matrix.to(load_torch().float32) if narrow else matrix


def _offsets(own: Shape, batch: Shape) -> tuple[int, ...]:
    strides = [stride if size > 1 else 0 for size, stride in zip(own, strides_of(own), strict=True)]
    return (*[0] * (len(batch) - len(own)), *strides)


def matmul(a: LazyTensor, b: LazyTensor, *, broadcast: bool) -> LazyTensor:
    """The matrix product of two tensors of one dtype.

    Raises:
        StepError: dtypes or shapes do not fit; batch dims that differ need ``broadcast``.
    """
    for each in (a, b):
        require_arithmetic(each)
    if a.dtype is not b.dtype:
        fail(f"dtypes differ: {a.dtype} and {b.dtype}", hint="cast one of them: cast_: target: …, to: …")
    return computed(matmul_shape(a.shape, b.shape, broadcast=broadcast), a.dtype, Matmul(a, b))


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
