"""Kernels that move elements: slices, written regions, concatenation, permutation of small rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from brainsurgery_shell.graph.kernel import Kernel, Piece, Request
from brainsurgery_shell.graph.tensor import LazyTensor, Shape

if TYPE_CHECKING:
    import torch

BLOCK_ELEMENTS = 1 << 20
"""Most elements that one request of a slice reads beyond what it keeps."""


MOST_REGIONS = 256
"""How many edits of regions are looked through for what is beneath them."""


class DimRange(NamedTuple):
    """Indexes ``start, start + step …`` below ``stop`` of one dim; without ``keep`` the dim is dropped."""

    start: int
    stop: int
    step: int = 1
    keep: bool = True

    @property
    def size(self) -> int:
        """How many indexes it selects."""
        return max(0, -(-(self.stop - self.start) // self.step))

    def apart(self, other: DimRange) -> bool:
        """Whether no index is in both, for certain."""
        return (
            self.stop <= other.start
            or other.stop <= self.start
            or (self.step == other.step and (self.start - other.start) % self.step != 0)
        )

    def as_slice(self) -> slice:
        """For indexing a torch tensor; a dim that is dropped stays with size one."""
        return slice(self.start, self.stop, self.step)


class Block(NamedTuple):
    """Rows ``low`` to ``high`` of dim ``dim`` (inner dims complete) under fixed outer indexes ``prefix``."""

    prefix: tuple[int, ...]
    low: int
    high: int

    @property
    def dim(self) -> int:
        """The dim whose rows these are."""
        return len(self.prefix)


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides, in elements."""
    strides = [1] * len(shape)
    for dim in range(len(shape) - 2, -1, -1):
        strides[dim] = strides[dim + 1] * shape[dim + 1]
    return tuple(strides)


def blocks(shape: Sequence[int], start: int, stop: int, limit: Sequence[int]) -> Iterator[Block]:
    """Cut the flattened range ``start`` to ``stop`` of ``shape`` (rank ≥ 1) into blocks, in order.

    ``limit[dim]`` is the most rows of a dim in one block; 0 says that even one row is too large, so that
    the block goes to the next dim.
    """
    strides = strides_of(shape)
    stack: list[tuple[tuple[int, ...], int, int]] = [((), start, stop)]
    while stack:
        prefix, first, last = stack.pop()
        if first >= last:
            continue
        dim = len(prefix)
        row = strides[dim]
        if dim == len(shape) - 1:
            step = max(1, limit[dim])
            for low in range(first, last, step):
                yield Block(prefix, low, min(last, low + step))
            continue
        head = -(-first // row)
        if first % row or limit[dim] == 0 or last < (head + 1) * row:
            index = first // row
            end = min(last, (index + 1) * row)
            stack.append((prefix, end, last))
            stack.append(((*prefix, index), first - index * row, end - index * row))
            continue
        high = min(last // row, head + limit[dim])
        stack.append((prefix, high * row, last))
        yield Block(prefix, head, high)


class Slice(Kernel):
    """Elements of the input that ``ranges`` (one a dim) select."""

    __slots__ = ("limit", "ranges")

    def __init__(self, source: LazyTensor, ranges: tuple[DimRange, ...]) -> None:
        super().__init__((source,))
        self.ranges = ranges
        self.limit = _limits(source.shape, tuple(item.step for item in ranges), BLOCK_ELEMENTS)

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Read whole inner rows and index them."""
        source = self.inputs[0]
        strides = strides_of(source.shape)
        counts = [item.size for item in self.ranges]
        parts: list[torch.Tensor] = []
        for block in blocks(counts, start, stop, self.limit):
            base = sum(
                (item.start + index * item.step) * stride
                for item, index, stride in zip(self.ranges, block.prefix, strides, strict=False)
            )
            dim = block.dim
            item = self.ranges[dim]
            first = item.start + block.low * item.step
            last = item.start + (block.high - 1) * item.step + 1
            rows = yield Request(source, base + first * strides[dim], base + last * strides[dim])
            rows = rows.view(last - first, *source.shape[dim + 1 :])
            index_by = (slice(None, None, item.step), *(inner.as_slice() for inner in self.ranges[dim + 1 :]))
            parts.append(rows[index_by].reshape(-1))
        return join(parts)


@lru_cache(1024)
def _limits(shape: Shape, steps: tuple[int, ...], most: int) -> tuple[int, ...]:
    """The most rows of each dim in one block. Remembered: 100,000 tensors have few shapes."""
    strides = strides_of(shape)
    return tuple(most // (stride * step) for stride, step in zip(strides, steps, strict=True))


class WriteRegion(Kernel):
    """The first input with the region ``ranges`` replaced by the second."""

    __slots__ = ("limit", "ranges")

    def __init__(self, base: LazyTensor, value: LazyTensor, ranges: tuple[DimRange, ...]) -> None:
        super().__init__((base, value))
        self.ranges = ranges
        self.limit = [1 << 62] * len(ranges)

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Copy the range of the base, then lay over it what the region covers."""
        base, value = self.inputs
        strides = strides_of(base.shape)
        lowest = sum(item.start * stride for item, stride in zip(self.ranges, strides, strict=True))
        beyond = 1 + sum(
            (item.start + (item.size - 1) * item.step) * stride
            for item, stride in zip(self.ranges, strides, strict=True)
        )
        if stop <= lowest or beyond <= start:
            return (yield Request(base, start, stop))
        result = (yield Request(base, start, stop)).clone()
        value_strides = strides_of([item.size for item in self.ranges])
        at = 0
        for block in blocks(base.shape, start, stop, self.limit):
            dim = block.dim
            inner = base.shape[dim + 1 :]
            size = (block.high - block.low) * math.prod(inner)
            rows = result[at : at + size].view(block.high - block.low, *inner)
            at += size
            offset = self._value_offset(block.prefix, value_strides)
            item = self.ranges[dim]
            low = max(0, -(-(block.low - item.start) // item.step))
            high = min(item.size, -(-(block.high - item.start) // item.step))
            if offset is None or low >= high:
                continue
            stride = value_strides[dim]
            part = yield Request(value, offset + low * stride, offset + high * stride)
            first = item.start + low * item.step - block.low
            last = item.start + (high - 1) * item.step - block.low + 1
            within = (each.as_slice() for each in self.ranges[dim + 1 :])
            region = rows[(slice(first, last, item.step), *within)]
            region.copy_(part.view(region.shape))
        return result

    def _value_offset(self, prefix: tuple[int, ...], strides: Sequence[int]) -> int | None:
        offset = 0
        for index, item, stride in zip(prefix, self.ranges, strides, strict=False):
            if not item.start <= index < item.stop or (index - item.start) % item.step:
                return None
            offset += (index - item.start) // item.step * stride
        return offset


def beneath(tensor: LazyTensor, ranges: tuple[DimRange, ...]) -> tuple[LazyTensor, bool]:
    """Where the elements come from that ``ranges`` select, and whether that holds them and nothing else.

    Without this, one edit of a region after the other would have each of them complete.
    """
    for _ in range(MOST_REGIONS):
        kernel = tensor.kernel
        if not isinstance(kernel, WriteRegion):
            break
        base, value = kernel.inputs
        if kernel.ranges == ranges:
            return value, True
        if not any(map(DimRange.apart, kernel.ranges, ranges)):
            break
        tensor = base
    return tensor, False


class Concat(Kernel):
    """The inputs one after the other along ``dim``."""

    __slots__ = ("widths",)

    def __init__(self, parts: tuple[LazyTensor, ...], dim: int) -> None:
        super().__init__(parts)
        self.widths = [math.prod(part.shape[dim:]) for part in parts]

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Row by row where a row is large, in blocks of rows where it is small."""
        width = sum(self.widths)
        parts: list[torch.Tensor] = []
        rows = out.numel // width
        for block in blocks((rows, width), start, stop, (max(1, BLOCK_ELEMENTS // width), width)):
            if block.dim == 0:
                columns = []
                for part, size in zip(self.inputs, self.widths, strict=True):
                    piece = yield Request(part, block.low * size, block.high * size)
                    columns.append(piece.view(block.high - block.low, size))
                parts.append(_cat(columns).reshape(-1))
                continue
            offset = 0
            for part, size in zip(self.inputs, self.widths, strict=True):
                low, high = max(block.low - offset, 0), min(block.high - offset, size)
                if low < high:
                    row = block.prefix[0] * size
                    parts.append((yield Request(part, row + low, row + high)))
                offset += size
        return join(parts)


class PermuteRows(Kernel):
    """Dims in another order where the first ``kept`` dims stay: row by row."""

    __slots__ = ("kept", "order")

    def __init__(self, source: LazyTensor, order: tuple[int, ...], kept: int) -> None:
        super().__init__((source,))
        self.order = order
        self.kept = kept

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Permute the inner dims of every row the range touches."""
        source = self.inputs[0]
        inner = source.shape[self.kept :]
        row = math.prod(inner)
        first, last = start // row, -(-stop // row)
        rows = (yield Request(source, first * row, last * row)).view(last - first, *inner)
        order = (0, *(dim - self.kept + 1 for dim in self.order[self.kept :]))
        return rows.permute(order).reshape(-1)[start - first * row : stop - first * row]


def shape_of(ranges: Sequence[DimRange]) -> Shape:
    """The shape that ranges select, dropped dims left out."""
    return tuple(item.size for item in ranges if item.keep)


def join(parts: list[torch.Tensor]) -> torch.Tensor:
    """Pieces one after the other, 1-d."""
    return parts[0] if len(parts) == 1 else _cat([part.reshape(-1) for part in parts], 0)


def _cat(parts: list[torch.Tensor], dim: int = 1) -> torch.Tensor:
    from brainsurgery_shell.graph.runtime import load_torch

    joined: torch.Tensor = load_torch().cat(parts, dim)
    return joined
