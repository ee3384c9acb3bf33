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
        quick = (0, 0.0) if _same_bits(a, b) else _quickly(a, b, eps)
        if quick is not None and (first is not None or not quick[0]):
            count, largest = count + quick[0], max(largest, quick[1])
            start += a.numel()
            continue
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
    module = load_torch()
    if chunk.is_floating_point() and chunk.element_size() > 1:
        low, high = chunk.aminmax()  # many times as fast as a look at each, and usually enough
        if math.isfinite(low.item()) and math.isfinite(high.item()):
            none: torch.Tensor = module.zeros(chunk.shape, dtype=module.bool)
            return none
    bad: torch.Tensor = ~module.isfinite(_wide(chunk))
    return bad


def not_zero(eps: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """A check for elements further than ``eps`` from zero (NaN is)."""
    bound = as_float(eps)
    return lambda chunk: ~(_wide(chunk).abs() <= bound)


def outside(low: float | None, high: float | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """A check for elements that are not within low … high (NaN is not)."""

    def wrong(chunk: torch.Tensor) -> torch.Tensor:
        if _is_whole(chunk):
            values, shift = ordered(chunk)
            bad = values != values
            if low is not None:
                bad |= ~_at_least(values, low, shift)
            if high is not None:
                bad |= ~_at_most(values, high, shift)
            return bad
        wide = _wide(chunk)
        inside = wide == wide
        if low is not None:
            inside &= wide >= as_float(low)
        if high is not None:
            inside &= wide <= as_float(high)
        return ~inside

    return wrong


def as_float(number: float | int) -> float:
    """A number as a float; a whole number beyond all floats is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, number)


def ordered(chunk: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Whole numbers (or booleans) as int64 in the same order, and what was taken off them for it."""
    module = load_torch()
    if chunk.dtype == module.uint64:
        return chunk.view(module.int64) ^ _LEAST, 2**63
    return chunk.to(module.int64), 0


def _at_least(values: torch.Tensor, low: float, shift: int) -> torch.Tensor:
    bound = -math.inf if low == -math.inf else math.inf if low == math.inf else math.ceil(low) - shift
    if bound > 2**63 - 1 or bound != bound:
        return values != values
    return values >= int(max(bound, _LEAST))


def _at_most(values: torch.Tensor, high: float, shift: int) -> torch.Tensor:
    bound = math.inf if high == math.inf else -math.inf if high == -math.inf else math.floor(high) - shift
    if bound < _LEAST or bound != bound:
        return values != values
    return values <= int(min(bound, 2**63 - 1))


def index_of(flat: int, tensor: LazyTensor) -> tuple[int, ...]:
    """The index of the ``flat``-th element in row-major order."""
    index = []
    for stride in strides_of(tensor.shape):
        index.append(flat // stride)
        flat %= stride
    return tuple(index)


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the values are the same for certain: ten times as fast as comparing small floats."""
    module = load_torch()
    words = a.numel() * a.element_size() % 8 == 0 and all(
        each.storage_offset() * each.element_size() % 8 == 0 for each in (a, b)
    )
    dtype = module.int64 if words else module.uint8
    same: bool = module.equal(a.view(dtype), b.view(dtype))
    return same


def _quickly(a: torch.Tensor, b: torch.Tensor, eps: float) -> tuple[int, float] | None:
    """How many finite floats differ, and by how much at most; ``None`` where a closer look is needed.

    torch compares floats one by one, but subtracts and takes the largest of many at once.
    """
    if not a.is_floating_point():
        return None
    module = load_torch()
    narrow = a.element_size() <= 2 and not eps
    dtype, word = (module.float32, module.int32) if narrow else (module.float64, module.int64)
    gap = (a.to(dtype) - b.to(dtype)).abs_()
    largest = float(gap.amax())
    if not math.isfinite(largest):
        return None
    if eps:
        return (0, 0.0) if largest <= eps else None
    # Of positive floats, only zero has the bits of a whole number below 1.
    return int(gap.view(word).clamp_max_(1).sum()), largest


def _unequal(a: torch.Tensor, b: torch.Tensor, eps: float) -> torch.Tensor:
    module = load_torch()
    if _is_whole(a):
        left, right = ordered(a)[0], ordered(b)[0]
        return _far(left, right, eps) if eps > 0 else left != right
    if a.is_floating_point() and a.element_size() == 1:
        a, b = a.to(module.float32), b.to(module.float32)
    wrong: torch.Tensor = a != b
    wrong &= ~(module.isnan(a) & module.isnan(b))
    if eps and bool(wrong.any()):
        wrong &= ~((_wide(a) - _wide(b)).abs() <= as_float(eps))
    return wrong


def _far(a: torch.Tensor, b: torch.Tensor, eps: float) -> torch.Tensor:
    """Where two int64 differ by more than ``eps``, exactly: their gap, up to 2^64, is an unsigned number."""
    module = load_torch()
    gap = module.where(a >= b, a - b, b - a)
    most = 2**64 - 1 if eps >= 2**64 else math.floor(eps)
    far: torch.Tensor = (gap ^ _LEAST) > most + _LEAST
    return far


def _is_whole(values: torch.Tensor) -> bool:
    return not (values.is_floating_point() or values.is_complex())


_LEAST = -(2**63)


def _wide(values: torch.Tensor) -> torch.Tensor:
    module = load_torch()
    return values if values.is_complex() else values.to(module.float64)
