"""Kernels whose elements lie at strides of their own in a complete input, as those of torch's views do."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from brainsurgery_shell.graph.kernel import Kernel, Piece, Request, Rows, Wanted
from brainsurgery_shell.graph.structure import blocks, join, strides_of
from brainsurgery_shell.graph.tensor import LazyTensor, Shape

if TYPE_CHECKING:
    import torch

BLOCK_BYTES = 32 << 20
"""Bytes of a permuted tensor that are made at once: the more there are, the longer are the runs to read."""
NEAR = 1 << 16
"""Elements that are rather read at one go, whatever is wanted of them, than run by run."""
SPARE = 4
"""How many times the elements that are wanted are still read at one go."""


class Strided(Kernel):
    """A view of the flat input, with a stride a dim, in elements: some may stand many times, some nowhere."""

    __slots__ = ("strides",)

    def __init__(self, source: LazyTensor, strides: Sequence[int]) -> None:
        super().__init__((source,))
        self.strides = tuple(strides)

    @property
    def whole_inputs(self) -> bool:
        """Yes: neighbours come from anywhere."""
        return True

    def block(self, out: LazyTensor) -> int:
        """Any range where elements come in the input's order, as when it is broadcast."""
        wide = [stride for stride, size in zip(self.strides, out.shape, strict=True) if stride and size > 1]
        if wide == sorted(wide, reverse=True):
            return 0
        return whole_rows(out.shape, BLOCK_BYTES // out.dtype.itemsize)

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Read the boxes of the input that the range consists of."""
        if not out.shape:
            return (yield Request(self.inputs[0], 0, 1))
        parts: list[torch.Tensor] = []
        for block in blocks(out.shape, start, stop, [1 << 62] * out.rank):
            sizes = (block.high - block.low, *out.shape[block.dim + 1 :])
            offset = block.low * self.strides[block.dim]
            offset += sum(at * stride for at, stride in zip(block.prefix, self.strides, strict=False))
            parts.append((yield from self._box(offset, sizes, self.strides[block.dim :])))
        return join(parts)

    def _box(
        self, offset: int, sizes: Shape, strides: Sequence[int]
    ) -> Generator[Wanted, torch.Tensor, torch.Tensor]:
        """A box of the result that begins at element ``offset`` of the input; flat."""
        source = self.inputs[0]
        distinct, span = 1, 1
        for size, stride in zip(sizes, strides, strict=True):
            distinct *= size if stride else 1
            span += (size - 1) * stride
        if span <= max(NEAR, SPARE * distinct):
            near = yield Request(source, offset, offset + span)
            return near.as_strided(sizes, strides).reshape(-1)
        dims = [dim for dim in range(len(sizes)) if strides[dim] and sizes[dim] > 1]
        outward = sorted(dims, key=lambda dim: (-strides[dim], dim))
        run = _innermost(outward, sizes, strides)
        outer = outward[: run.dims]
        count, stride = (sizes[outer[-1]], strides[outer[-1]]) if outer else (1, 0)
        parts = []
        for index in itertools.product(*(range(sizes[dim]) for dim in outer[:-1])):
            first = offset + sum(at * strides[dim] for at, dim in zip(index, outer, strict=False))
            rows = yield Rows(source, first, count, stride, run.length)
            parts.append(rows.view(count, run.length)[:, :: run.step].reshape(-1))
        gathered = join(parts).view([sizes[dim] for dim in outward])
        gathered = gathered.permute([outward.index(dim) for dim in dims])
        shape = [sizes[dim] if dim in dims else 1 for dim in range(len(sizes))]
        return gathered.reshape(shape).expand(sizes).reshape(-1)


class Permute(Strided):
    """Dims in another order."""

    __slots__ = ()

    def __init__(self, source: LazyTensor, order: Sequence[int]) -> None:
        strides = strides_of(source.shape)
        super().__init__(source, [strides[dim] for dim in order])


class _Run(NamedTuple):
    """What is read at one go: ``length`` elements, of which every ``step``-th is wanted."""

    dims: int
    """How many dims, from the outermost on, it does not go through."""
    length: int
    step: int


def expanding(source: LazyTensor, shape: Shape) -> Strided:
    """The kernel that broadcasts ``source`` to ``shape``."""
    strides = [
        stride if size > 1 else 0 for size, stride in zip(source.shape, strides_of(source.shape), strict=True)
    ]
    return Strided(source, [0] * (len(shape) - source.rank) + strides)


def whole_rows(shape: Shape, elements: int) -> int:
    """As many elements, up to about ``elements``, as whole rows of an outer dim have."""
    for size, row in zip(shape, strides_of(shape), strict=True):
        if row <= elements:
            return max(1, min(size, elements // max(1, row))) * max(1, row)
    return max(1, elements)


def _innermost(outward: Sequence[int], sizes: Shape, strides: Sequence[int]) -> _Run:
    """The longest run of the input within a box: its innermost dims, as far as they follow each other."""
    at, length = len(outward), 1
    while at and strides[outward[at - 1]] == length:
        at -= 1
        length *= sizes[outward[at]]
    if length > 1 or not at:
        return _Run(at, length, 1)
    step = strides[outward[at - 1]]
    return _Run(at - 1, (sizes[outward[at - 1]] - 1) * step + 1, step)
