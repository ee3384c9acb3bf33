"""Kernels whose elements lie at strides of their own in a complete input, as those of torch's views do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from brainsurgery_shell.graph.kernel import Kernel, Piece, Request, Rows, Wanted
from brainsurgery_shell.graph.structure import blocks, join, strides_of
from brainsurgery_shell.graph.tensor import LazyTensor, Shape

if TYPE_CHECKING:
    import torch

BLOCK_BYTES = 16 << 20
"""Bytes of a permuted tensor that are made at once: the more there are, the longer are the runs to read."""
APART = 1 << 12
"""Elements that could be read in the time that it takes to go to another place,"""
ASKED = 1 << 16
"""and in the time that it takes to ask for a row of places."""


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
        most = BLOCK_BYTES // source.dtype.itemsize
        dims = [dim for dim in range(len(sizes)) if strides[dim] and sizes[dim] > 1]
        outward = sorted(dims, key=lambda dim: (-strides[dim], dim))
        run = _cheapest([sizes[dim] for dim in outward], [strides[dim] for dim in outward], most)
        outer, inner = outward[: run.dims], outward[run.dims :]
        count, stride = (sizes[outer[-1]], strides[outer[-1]]) if outer else (1, 0)
        step = max(1, most // run.length)
        parts = []
        for index in itertools.product(*(range(sizes[dim]) for dim in outer[:-1])):
            first = offset + sum(at * strides[dim] for at, dim in zip(index, outer, strict=False))
            for at in range(0, count, step):
                many = min(step, count - at)
                rows = yield Rows(source, first + at * stride, many, stride, run.length)
                wanted = [many, *(sizes[dim] for dim in inner)]
                box = rows.as_strided(wanted, [run.length, *(strides[dim] for dim in inner)])
                parts.append(box.reshape(-1))
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
    """What is read at one go: ``length`` elements, not all of which need be wanted."""

    dims: int
    """How many dims, from the outermost on, it does not go through."""
    length: int


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


def _cheapest(sizes: Sequence[int], strides: Sequence[int], most: int) -> _Run:
    """The runs of up to ``most`` elements that read a box soonest; dims from the largest stride on."""
    best, least = _Run(len(sizes), 1), math.inf
    for at in range(len(sizes), -1, -1):
        length = 1 + sum((size - 1) * stride for size, stride in zip(sizes[at:], strides[at:], strict=True))
        if length > most and at < len(sizes):
            break
        cost = math.prod(sizes[:at]) * (APART + length) + math.prod(sizes[: max(0, at - 1)]) * ASKED
        if cost < least:
            best, least = _Run(at, length), cost
    return best
