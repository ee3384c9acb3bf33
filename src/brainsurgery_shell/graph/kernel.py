"""Kernels: how a lazy tensor is computed from others.

A *streaming* kernel makes any range of its flattened result from ranges of its inputs. It is a generator: it
yields requests and is sent their answers, so that the evaluator, and not Python's stack, holds a chain of
10,000 edits. A *whole* kernel needs its inputs complete (matmul, transposition of everything); the evaluator
makes them first, in memory or in the arena.

Ranges count elements of the flattened, row-major tensor (bytes for packed dtypes).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from brainsurgery_shell.errors import InternalError
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Request:
    """A kernel asks for elements ``start`` to ``stop`` of ``tensor``; the answer is a 1-d torch tensor."""

    tensor: LazyTensor
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Overflow:
    """A kernel says that values overflowed; the answer is ``None``.

    How many is counted apart, if anyone asks: a range may be evaluated more than once.
    """

    kernel: Kernel


Piece: TypeAlias = "Generator[Request | Overflow, torch.Tensor, torch.Tensor]"


class Kernel(ABC):
    """The computation behind one lazy tensor."""

    __slots__ = ("inputs",)

    def __init__(self, inputs: tuple[LazyTensor, ...]) -> None:
        self.inputs = inputs

    @property
    def whole_inputs(self) -> bool:
        """Whether the inputs must be complete before the first piece."""
        return False

    @property
    def whole_result(self) -> bool:
        """Whether the result is made at once, and so must be kept while it is read piece by piece."""
        return False

    @property
    def costly(self) -> bool:
        """Whether the result is rather moved to the arena than computed again."""
        return False

    @property
    def changes_ranges(self) -> bool:
        """Whether a range of the result comes from another range of an input."""
        return True

    @abstractmethod
    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Elements ``start`` to ``stop`` of the result ``out``, as a 1-d torch tensor."""


class Elementwise(Kernel):
    """``function`` of inputs that all have the result's shape: element by element."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., torch.Tensor], inputs: tuple[LazyTensor, ...]) -> None:
        super().__init__(inputs)
        self.function = function

    @property
    def changes_ranges(self) -> bool:
        """Ranges stay: that is what makes chains of these cheap."""
        return False

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Apply the function to the same range of every input."""
        arguments = []
        for tensor in self.inputs:
            arguments.append((yield Request(tensor, start, stop)))
        return self.function(*arguments)


class Reshape(Kernel):
    """The same elements under another shape."""

    __slots__ = ()

    @property
    def changes_ranges(self) -> bool:
        """Row-major order stays."""
        return False

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Hand the range on."""
        return (yield Request(self.inputs[0], start, stop))


class WholeKernel(Kernel):
    """A kernel that needs its inputs complete and makes its result at once."""

    __slots__ = ()

    @property
    def whole_result(self) -> bool:
        """Yes, unless the result is only a view of an input."""
        return True

    @property
    def whole_inputs(self) -> bool:
        """Yes."""
        return True

    @abstractmethod
    def compute(self, out: LazyTensor, inputs: list[torch.Tensor]) -> torch.Tensor:
        """The complete result from complete inputs; it may be a view of them."""

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Gather the range from the complete result, without copying all of a view."""
        inputs = []
        for tensor in self.inputs:
            complete = yield Request(tensor, 0, tensor.numel)
            inputs.append(complete.view(tensor.shape))
        result = self.compute(out, inputs)
        if result.shape != out.shape:
            raise InternalError(f"a kernel promised {out.shape} and made {tuple(result.shape)}")
        return flat_range(result, start, stop)


def flat_range(view: torch.Tensor, start: int, stop: int) -> torch.Tensor:
    """Elements ``start`` to ``stop`` of a (possibly strided) tensor's flattened form, 1-d and contiguous."""
    if view.is_contiguous():
        return view.reshape(-1)[start:stop]
    parts = list(_rows_of(view, start, stop))
    if len(parts) == 1:
        return parts[0]
    joined = view.new_empty(stop - start)
    at = 0
    for part in parts:
        joined[at : at + part.numel()] = part
        at += part.numel()
    return joined


def _rows_of(view: torch.Tensor, start: int, stop: int) -> Iterator[torch.Tensor]:
    """The range as 1-d parts: the end of a row, whole rows, the beginning of a row; recursively."""
    stack = [(view, start, stop)]
    while stack:
        part, first, last = stack.pop()
        if first >= last:
            continue
        if part.dim() <= 1 or (first == 0 and last == part.numel()):
            yield part.reshape(-1)[first:last]
            continue
        row = part.numel() // part.shape[0]
        head, tail = -(-first // row), last // row
        if head > tail:  # the range lies within one row
            stack.append((part[tail], first - tail * row, last - tail * row))
            continue
        # Pushed last to first: the stack gives them back in order.
        if last > tail * row:
            stack.append((part[tail], 0, last - tail * row))
        if tail > head:
            stack.append((part[head:tail], 0, (tail - head) * row))
        if first < head * row:
            stack.append((part[head - 1], first - (head - 1) * row, row))
