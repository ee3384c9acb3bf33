"""Kernels: how a lazy tensor is computed from others.

A kernel makes a range of its flattened result from ranges of its inputs. It is a generator: it yields
requests and is sent their answers, so that the evaluator, and not Python's stack, holds a chain of 10,000
edits. Some make ranges of a certain size only (blocks of a matrix product). Some read their inputs at many
places, so that these must be complete: stored, or made first, in memory or in the arena. None needs an input
in memory but the *whole* kernels, which stand for what is computed at once.

Ranges count elements of the flattened, row-major tensor (bytes for packed dtypes).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
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


@dataclass(frozen=True, slots=True)
class Rows:
    """A kernel with complete inputs asks for ``count`` runs of ``length`` elements of ``tensor``.

    The first begins at element ``start``, each other ``stride`` elements after the one before it; the answer
    is a 1-d torch tensor.
    """

    tensor: LazyTensor
    start: int
    count: int
    stride: int
    length: int


LANES = 64
"""Elements of the widest step of torch's loops on any processor, and more.

What is left over at the end of a loop torch computes in another way: powers, products of complex numbers and
half floats that are scaled and added get other last bits there. So loops begin and end at multiples of this,
and at the end of a tensor, as they do where all of it is computed at once.
"""

Wanted: TypeAlias = Request | Rows | Overflow
Piece: TypeAlias = "Generator[Wanted, torch.Tensor, torch.Tensor]"


class Kernel(ABC):
    """The computation behind one lazy tensor."""

    __slots__ = ("inputs",)

    def __init__(self, inputs: tuple[LazyTensor, ...]) -> None:
        self.inputs = inputs

    @property
    def whole_inputs(self) -> bool:
        """Whether the inputs must be complete before the first piece, for any range of them to be read."""
        return False

    @property
    def whole_result(self) -> bool:
        """Whether the result is made at once, and so must be kept while it is read piece by piece."""
        return False

    @property
    def dear(self) -> bool:
        """Whether the result is rather kept than made again, where it is read more than once."""
        return False

    @property
    def costly(self) -> bool:
        """Whether the result is kept as long as the session lasts."""
        return False

    def block(self, out: LazyTensor) -> int:
        """How many elements are made at once, from a multiple of as many on; 0: any range.

        It depends on the shapes and the dtype alone: it may show in the last bits.
        """
        return 0

    @property
    def changes_ranges(self) -> bool:
        """Whether a range of the result comes from another range of an input."""
        return True

    @abstractmethod
    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Elements ``start`` to ``stop`` of the result ``out``, as a 1-d torch tensor.

        What it is sent belongs to others too, and must not be changed.
        """


class Elementwise(Kernel):
    """``function`` of inputs that all have the result's shape: element by element."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., torch.Tensor], inputs: tuple[LazyTensor, ...]) -> None:
        self.inputs = inputs  # made by the 100,000: no call that can be left out
        self.function = function

    @property
    def changes_ranges(self) -> bool:
        """Ranges stay: that is what makes chains of these cheap."""
        return False

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Apply the function to the same range of every input, widened to whole steps of torch's loops."""
        first, last = start // LANES * LANES, stop
        if stop % LANES:
            last = min(out.numel, stop + LANES - stop % LANES)
        arguments = []
        for tensor in self.inputs:
            arguments.append((yield Request(tensor, first, last)))
        result = self.function(*arguments)
        return result if last - first == stop - start else result[start - first : stop - first]


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
    """A kernel that makes its result at once, from complete tensors that torch can address.

    Only for what cannot be made in parts: inputs that exceed the memory budget are mapped, but whatever
    ``compute`` makes is in memory.
    """

    __slots__ = ()

    @property
    def whole_result(self) -> bool:
        """Yes."""
        return True

    @property
    def whole_inputs(self) -> bool:
        """Yes."""
        return True

    @abstractmethod
    def compute(self, out: LazyTensor, inputs: list[torch.Tensor]) -> torch.Tensor:
        """The complete result from complete inputs; it may be a view of them."""

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Not asked for: what ``compute`` made is kept while it is read."""
        yield from ()
        raise InternalError("a result that is made at once has no pieces")
