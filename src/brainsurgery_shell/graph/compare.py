"""Comparing tensors piece by piece: equality, zero, finiteness, ranges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.structure import strides_of
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Difference:
    """Where and by how much elements do not satisfy a check."""

    count: int
    index: tuple[int, ...]
    """Of the first such element."""
    found: str
    expected: str
    largest: float = 0.0
    """Largest absolute difference, if both sides are numbers."""


def same_bytes(left: LazyTensor, right: LazyTensor) -> bool:
    """Whether two tensors are certainly equal because they are the same bytes of a file, or one object."""
    if left is right:
        return True
    return (
        left.kernel is None
        and right.kernel is None
        and left.file is right.file
        and left.offset == right.offset
        and left.dtype is right.dtype
        and left.shape == right.shape
    )


def difference(left: LazyTensor, right: LazyTensor, eps: float, evaluator: Evaluator) -> Difference | None:
    """How two tensors of one shape and dtype differ, or ``None``.

    NaN equals NaN, infinities of one sign are equal; ``eps`` is absolute.
    """
    if same_bytes(left, right) or not left.numel:
        return None
    count, first, largest = 0, None, 0.0
    start = 0
    for a, b in zip(evaluator.chunks(left), evaluator.chunks(right), strict=True):
        wrong = _unequal(a, b, eps)
        bad = int(wrong.sum())
        if bad:
            count += bad
            gap = (_wide(a) - _wide(b)).abs()
            gap = gap[wrong & (gap == gap)]
            largest = max(largest, float(gap.max())) if gap.numel() else math.inf
            if first is None:
                at = int(wrong.to(load_torch().uint8).argmax())
                first = (start + at, str(a[at].item()), str(b[at].item()))
        start += a.numel()
    if first is None:
        return None
    return Difference(count, index_of(first[0], left), first[1], first[2], largest)


def violation(
    tensor: LazyTensor, wrong: Callable[[torch.Tensor], torch.Tensor], expected: str, evaluator: Evaluator
) -> Difference | None:
    """The elements for which ``wrong`` (chunk → booleans) holds, or ``None``."""
    count, first, start = 0, None, 0
    for chunk in evaluator.chunks(tensor):
        bad = wrong(chunk)
        number = int(bad.sum())
        if number and first is None:
            at = int(bad.to(load_torch().uint8).argmax())
            first = (start + at, str(chunk[at].item()))
        count += number
        start += chunk.numel()
    if first is None:
        return None
    return Difference(count, index_of(first[0], tensor), first[1], expected)


def not_finite(chunk: torch.Tensor) -> torch.Tensor:
    """Which elements are NaN or infinite."""
    bad: torch.Tensor = ~load_torch().isfinite(_wide(chunk))
    return bad


def not_zero(eps: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """A check for elements further than ``eps`` from zero (NaN is)."""
    return lambda chunk: ~(_wide(chunk).abs() <= eps)


def outside(low: float | None, high: float | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """A check for elements that are not within low … high (NaN is not)."""

    def wrong(chunk: torch.Tensor) -> torch.Tensor:
        values = _wide(chunk)
        inside = values == values
        if low is not None:
            inside &= values >= low
        if high is not None:
            inside &= values <= high
        return ~inside

    return wrong


def index_of(flat: int, tensor: LazyTensor) -> tuple[int, ...]:
    """The index of the ``flat``-th element in row-major order."""
    index = []
    for stride in strides_of(tensor.shape):
        index.append(flat // stride)
        flat %= stride
    return tuple(index)


def _unequal(a: torch.Tensor, b: torch.Tensor, eps: float) -> torch.Tensor:
    module = load_torch()
    if a.is_floating_point() and a.element_size() == 1:
        a, b = a.to(module.float32), b.to(module.float32)
    if a.dtype in (module.uint16, module.uint32, module.uint64):
        a, b = a.view(_signed(a)), b.view(_signed(b))
    wrong: torch.Tensor = a != b
    if a.is_floating_point() or a.is_complex():
        wrong &= ~(module.isnan(a) & module.isnan(b))
    if eps and bool(wrong.any()):
        wrong &= ~((_wide(a) - _wide(b)).abs() <= eps)
    return wrong


def _signed(a: torch.Tensor) -> torch.dtype:
    module = load_torch()
    found: torch.dtype = {2: module.int16, 4: module.int32, 8: module.int64}[a.element_size()]
    return found


def _wide(values: torch.Tensor) -> torch.Tensor:
    module = load_torch()
    return values if values.is_complex() else values.to(module.float64)
