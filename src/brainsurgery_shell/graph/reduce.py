"""Sums, means, norms and inner products: one number of a tensor, or one along some of its dims.

Over everything they stream: blocks of a fixed size, added up in float64 (or as whole numbers that wrap), so
that neither the memory budget nor the number of workers shows, and nothing is materialised.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import (
    empty,
    permute,
    require_arithmetic,
    require_same,
    reshape,
    resolve_dim,
)
from brainsurgery_shell.graph.kernel import Kernel, Piece, Request, Rows
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.structure import join
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed

if TYPE_CHECKING:
    import torch

REDUCED_BLOCK = 1 << 18
"""Elements added up at once. A constant: it shows in the last bits of sums."""

Total = float | int | complex
ReductionName = Literal["sum", "mean", "norm"]


class Total0d(Kernel):
    """One number from all elements of the inputs, block by block."""

    __slots__ = ()

    @property
    def whole_result(self) -> bool:
        """A single number, made once however often it is read."""
        return True

    @abstractmethod
    def totals(self, blocks: list[torch.Tensor]) -> Total:
        """The sum over one block of each input."""

    def finish(self, total: Total) -> Total:
        """The result from the sum over all blocks."""
        return total

    def _sum(self) -> Generator[Request, torch.Tensor, Total]:
        total: Total = 0
        numel = self.inputs[0].numel
        for start in range(0, numel, REDUCED_BLOCK):
            blocks = []
            for each in self.inputs:
                blocks.append((yield Request(each, start, min(numel, start + REDUCED_BLOCK))))
            total += self.totals(blocks)
        return total

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """All of it: there is one element."""
        total = self.finish((yield from self._sum()))
        if isinstance(total, int):
            total = (total + 2**63) % 2**64 - 2**63
        module = load_torch()
        wide = {int: module.int64, complex: module.complex128}.get(type(total), module.float64)
        result: torch.Tensor = module.tensor([total], dtype=wide).to(torch_dtype(out.dtype))
        return result


class Dot(Total0d):
    """The inner product of two inputs; as in torch, complex numbers are not conjugated."""

    __slots__ = ()

    def totals(self, blocks: list[torch.Tensor]) -> Total:
        """The inner product of two blocks."""
        a, b = (_wide(each) for each in blocks)
        total: Total = load_torch().dot(a, b).item()
        return total


class Sum(Total0d):
    """The sum of all elements."""

    __slots__ = ()

    def totals(self, blocks: list[torch.Tensor]) -> Total:
        """The sum of a block."""
        total: Total = _wide(blocks[0]).sum().item()
        return total


class Mean(Sum):
    """The mean of all elements; NaN of none, as in torch."""

    __slots__ = ()

    def finish(self, total: Total) -> Total:
        """The sum by the number of elements."""
        return total / numel if (numel := self.inputs[0].numel) else math.nan


class Norm(Total0d):
    """The Euclidean norm of all elements."""

    __slots__ = ()

    def totals(self, blocks: list[torch.Tensor]) -> Total:
        """The sum of squares of a block."""
        values = _wide(blocks[0])
        total: float = load_torch().dot(values, values).item()
        return total

    def finish(self, total: Total) -> Total:
        """The root."""
        return math.sqrt(total) if isinstance(total, float) else 0.0


class AlongDim(Kernel):
    """A reduction along the middle dim of an input of shape ``outer × reduced × inner``, in blocks."""

    __slots__ = ("inner", "name", "reduced")

    def __init__(self, source: LazyTensor, name: ReductionName, reduced: int, inner: int) -> None:
        super().__init__((source,))
        self.name = name
        self.reduced = reduced
        self.inner = inner

    @property
    def dear(self) -> bool:
        """Yes: small, and made from much."""
        return True

    @property
    def whole_inputs(self) -> bool:
        """Yes, where the range of a block is not one range of the input."""
        return self._columns < self.inner

    def block(self, out: LazyTensor) -> int:
        """All that several outer indexes give, or one, or some columns of one."""
        if self._columns < self.inner:
            return self._columns
        return max(1, REDUCED_BLOCK // max(1, self.reduced * self.inner)) * self.inner

    @property
    def _columns(self) -> int:
        """How many of the inner indexes are looked at together."""
        return min(self.inner, REDUCED_BLOCK)

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Add up in the widest dtype, block by block of what is reduced."""
        source = self.inputs[0]
        module = load_torch()
        parts: list[torch.Tensor] = []
        while start < stop:
            outer, column = divmod(start, self.inner)
            width = min(self._columns, self.inner - column)
            count = max(1, (stop - start) // self.inner) if width == self.inner else 1
            total: torch.Tensor | None = None
            # Where there are several outer indexes, their blocks are small enough to be read at once.
            rows = max(1, self.reduced if count > 1 else REDUCED_BLOCK // width)
            for row in range(0, self.reduced, rows):
                many = min(rows, self.reduced - row)
                first = (outer * self.reduced + row) * self.inner + column
                if width == self.inner:
                    values = yield Request(source, first, first + count * many * width)
                else:
                    values = yield Rows(source, first, many, self.inner, width)
                values = _wide(values).view(count, many, width)
                block = (values * values if self.name == "norm" else values).sum(1)
                total = block if total is None else total.add_(block)
            if total is None:  # there is nothing to add up
                total = _wide(module.zeros(count, width, dtype=torch_dtype(out.dtype)))
            parts.append(self._finished(total).to(torch_dtype(out.dtype)).view(-1))
            start += count * width
        return join(parts)

    def _finished(self, total: torch.Tensor) -> torch.Tensor:
        if self.name == "norm":
            return total.sqrt()
        return total / self.reduced if self.name == "mean" else total


_OVER_ALL: dict[str, type[Total0d]] = {"sum": Sum, "mean": Mean, "norm": Norm}


def dot(a: LazyTensor, b: LazyTensor) -> LazyTensor:
    """The full inner product of two tensors of one shape and dtype: a tensor of rank 0."""
    for each in (a, b):
        require_arithmetic(each)
    if a.dtype is b.dtype and a.shape != b.shape:
        fail(f"shapes differ: {list(a.shape)} and {list(b.shape)}", hint="reshape_ gives a tensor another")
    require_same(a, b)
    return computed((), a.dtype, Dot((a, b)))


def reduce(
    tensor: LazyTensor, name: ReductionName, dims: Sequence[int] | None, *, keepdim: bool
) -> LazyTensor:
    """The sum, mean or norm of everything, or along ``dims``, in the tensor's dtype."""
    require_arithmetic(tensor)
    at = range(tensor.rank) if dims is None else [resolve_dim(dim, tensor.rank) for dim in dims]
    if len(set(at)) < len(at):
        fail(f"{name} names a dim twice: {list(dims or ())}")
    shape: Shape = tuple(
        1 if dim in at else size for dim, size in enumerate(tensor.shape) if keepdim or dim not in at
    )
    if len(at) == tensor.rank:
        return reshape(computed((), tensor.dtype, _OVER_ALL[name]((tensor,))), shape)
    if not math.prod(shape):
        return empty(shape, tensor.dtype)
    order = sorted(range(tensor.rank), key=lambda dim: dim in at)  # those that stay, then those that go
    if list(range(min(at), max(at) + 1)) == sorted(at):
        order = list(range(tensor.rank))
    inner = math.prod(tensor.shape[max(at) + 1 :]) if order == list(range(tensor.rank)) else 1
    reduced = math.prod(tensor.shape[dim] for dim in at)
    return computed(shape, tensor.dtype, AlongDim(permute(tensor, order), name, reduced, inner))


def _wide(values: torch.Tensor) -> torch.Tensor:
    """In the widest dtype of their kind."""
    module = load_torch()
    if values.is_complex():
        return values.to(module.complex128)
    return values.to(module.float64 if values.is_floating_point() else module.int64)
