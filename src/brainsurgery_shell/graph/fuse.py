"""Elementwise computations fused into one kernel: every input is read once, and nothing is written between.

Each step is the call that a PyTorch script makes, on pieces instead of whole tensors: fusing changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.build import elementwise, expand, full
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor, Shape

if TYPE_CHECKING:
    import torch

Function = Callable[..., "torch.Tensor"]


class Part:
    """A computation that may still be fused with what uses it: a lazy tensor, or a function of parts."""

    __slots__ = ("broadcasts", "dtype", "function", "inputs", "shape", "tensor")

    def __init__(
        self,
        shape: Shape,
        dtype: DType,
        *,
        tensor: LazyTensor | None = None,
        function: Function | None = None,
        inputs: tuple[Part, ...] = (),
        broadcasts: bool = False,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.tensor = tensor
        self.function = function
        self.inputs = inputs
        self.broadcasts = broadcasts
        """Whether it takes the shape of what it meets: it was reduced, to rank 0 or keeping its dims."""

    def seal(self) -> LazyTensor:
        """The lazy tensor of it."""
        if self.tensor is None:
            program, leaves = _compiled(self)
            self.tensor = elementwise(program, *leaves, dtype=self.dtype)
        return self.tensor


def leaf(tensor: LazyTensor, *, broadcasts: bool = False) -> Part:
    """A part that is a lazy tensor."""
    return Part(tensor.shape, tensor.dtype, tensor=tensor, broadcasts=broadcasts)


def part_of(function: Function, *inputs: Part, dtype: DType | None = None) -> Part:
    """``function`` of parts of one shape, element by element."""
    first = inputs[0]
    broadcasts = all(each.broadcasts for each in inputs)
    return Part(first.shape, dtype or first.dtype, function=function, inputs=inputs, broadcasts=broadcasts)


def expanded(part: Part, shape: Shape) -> Part:
    """``part`` broadcast to ``shape``."""
    from brainsurgery_shell.graph.sources import Full

    if part.shape == shape:
        return part
    tensor = part.seal()
    if isinstance(tensor.kernel, Full):
        return leaf(full(shape, part.dtype, tensor.kernel.value), broadcasts=part.broadcasts)
    return leaf(expand(tensor, shape), broadcasts=part.broadcasts)


class Program:
    """Steps in postfix order: an input's number, or a function and how many values it takes."""

    __slots__ = ("steps",)

    def __init__(self, steps: Sequence[int | tuple[Function, int]]) -> None:
        self.steps = steps

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run the steps on pieces of the inputs."""
        stack: list[torch.Tensor] = []
        for step in self.steps:
            if isinstance(step, int):
                stack.append(tensors[step])
                continue
            function, count = step
            values = stack[-count:]
            del stack[-count:]
            stack.append(function(*values))
            del values
        return stack[0]


def rebindable(
    part: Part, inputs: Sequence[LazyTensor]
) -> Callable[[Sequence[LazyTensor]], LazyTensor] | None:
    """What makes ``part`` of tensors that stand in for ``inputs``, where one fused kernel computes it."""
    if part.tensor is not None:
        return None
    program, leaves = _compiled(part)
    places = {tensor: at for at, tensor in enumerate(inputs)}
    if any(each not in places for each in leaves):
        return None
    at, dtype = [places[each] for each in leaves], part.dtype
    return lambda others: elementwise(program, *(others[place] for place in at), dtype=dtype)


def _compiled(root: Part) -> tuple[Program, list[LazyTensor]]:
    """The program below a part, and what it reads. Without recursion: sums may be long."""
    steps: list[int | tuple[Function, int]] = []
    leaves: dict[LazyTensor, int] = {}
    stack: list[tuple[Part, bool]] = [(root, False)]
    while stack:
        part, done = stack.pop()
        if part.tensor is not None:
            steps.append(leaves.setdefault(part.tensor, len(leaves)))
        elif done and part.function is not None:
            steps.append((part.function, len(part.inputs)))
        else:
            stack.append((part, True))
            stack.extend((each, False) for each in reversed(part.inputs))
    return Program(steps), list(leaves)
