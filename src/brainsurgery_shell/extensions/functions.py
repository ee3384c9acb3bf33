"""Computed tensors for operations of users: what is checked by tests for ours is checked here as it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StepError, fail
from brainsurgery_shell.extensions.blame import Blame, running
from brainsurgery_shell.graph.build import elementwise as build_elementwise
from brainsurgery_shell.graph.build import require_arithmetic
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.kernel import WholeKernel
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.tensor import LazyTensor, computed

if TYPE_CHECKING:
    import torch

Function = Callable[..., "torch.Tensor"]


def elementwise(function: Function, *inputs: LazyTensor, dtype: DType | None = None) -> LazyTensor:
    """``function`` of tensors of one shape, element by element; the first one's dtype unless it is given.

    ``function`` gets 1-d torch tensors of equal length, a piece of each input, and returns one of that length
    and the result's dtype. It must not change what it gets.

    Raises:
        StepError: the inputs' shapes differ, or torch does not compute with one of their dtypes.
    """
    first = inputs[0]
    for each in inputs:
        _require_computable(each)
        if each.shape != first.shape:
            fail(f"shapes differ: {list(first.shape)} and {list(each.shape)}")
    checked = _Checked(function, dtype or first.dtype, running())
    return build_elementwise(_Pieces(checked), *inputs, dtype=dtype)


def whole(
    function: Function, *inputs: LazyTensor, shape: Sequence[int], dtype: DType | None = None
) -> LazyTensor:
    """``function`` of complete torch tensors: a tensor of ``shape``, of the first one's dtype or ``dtype``.

    For what ``elementwise`` cannot do (sorting, an SVD): inputs and result are then in memory at once.
    ``function`` must not change what it gets.

    Raises:
        StepError: torch does not compute with the dtype of an input.
    """
    for each in inputs:
        _require_computable(each)
    checked = _Checked(function, dtype or inputs[0].dtype, running())
    return computed(tuple(shape), checked.dtype, _Whole(checked, inputs))


def _require_computable(tensor: LazyTensor) -> None:
    if tensor.dtype.cls != "bool":
        require_arithmetic(tensor)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A function of torch tensors whose result is looked at."""

    function: Function
    dtype: DType
    blame: Blame | None

    def call(self, inputs: Sequence[torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        before = [each._version for each in inputs]
        blame = self.blame
        result = blame.call(self.function, *inputs) if blame is not None else self.function(*inputs)
        is_tensor: bool = isinstance(result, load_torch().Tensor)
        if not is_tensor:
            raise self._wrong(f"expected a torch tensor, found {type(result).__name__}")
        expected = torch_dtype(self.dtype)
        if result.dtype is not expected or tuple(result.shape) != shape:
            raise self._wrong(
                f"expected {expected} of shape {list(shape)}, "
                f"found {result.dtype} of shape {list(result.shape)}"
            )
        if any(each._version != version for each, version in zip(inputs, before, strict=True)):
            raise self._wrong("it changes a tensor that it was given; use forms like mul, not mul_")
        return result

    def _wrong(self, problem: str) -> StepError:
        return StepError(problem) if self.blame is None else self.blame.wrong(problem)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The same, of pieces."""

    checked: _Checked

    def __call__(self, *pieces: torch.Tensor) -> torch.Tensor:
        return self.checked.call(pieces, tuple(pieces[0].shape))


class _Whole(WholeKernel):
    """The same, of complete tensors."""

    __slots__ = ("checked",)

    def __init__(self, checked: _Checked, inputs: tuple[LazyTensor, ...]) -> None:
        super().__init__(inputs)
        self.checked = checked

    def compute(self, out: LazyTensor, inputs: list[torch.Tensor]) -> torch.Tensor:
        """The function's result."""
        return self.checked.call(inputs, out.shape)
