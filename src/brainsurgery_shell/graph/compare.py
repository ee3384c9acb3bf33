"""Checking one tensor piece by piece: zero, finiteness, ranges."""

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
class Violation:
    """Which elements do not satisfy a check."""

    count: int
    index: tuple[int, ...]
    """Of the first such element."""
    found: str
    expected: str


def violation(
    tensor: LazyTensor, wrong: Callable[[torch.Tensor], torch.Tensor], expected: str, evaluator: Evaluator
) -> Violation | None:
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
    return Violation(count, index_of(first[0], tensor), first[1], expected)


def not_finite(chunk: torch.Tensor) -> torch.Tensor:
    """Which elements are NaN or infinite."""
    module = load_torch()
    if chunk.is_floating_point() and chunk.element_size() > 1:
        low, high = chunk.aminmax()  # many times as fast as a look at each, and usually enough
        if math.isfinite(low.item()) and math.isfinite(high.item()):
            none: torch.Tensor = module.zeros(chunk.shape, dtype=module.bool)
            return none
    bad: torch.Tensor = ~module.isfinite(wide(chunk))
    return bad


def not_zero(eps: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """A check for elements further than ``eps`` from zero (NaN is)."""
    bound = as_float(eps)
    return lambda chunk: ~(wide(chunk).abs() <= bound)


def outside(low: float | None, high: float | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """A check for elements that are not within low … high (NaN is not)."""

    def wrong(chunk: torch.Tensor) -> torch.Tensor:
        if is_whole(chunk):
            values, shift = ordered(chunk)
            bad = values != values
            if low is not None:
                bad |= ~_at_least(values, low, shift)
            if high is not None:
                bad |= ~_at_most(values, high, shift)
            return bad
        values = wide(chunk)
        inside = values == values
        if low is not None:
            inside &= values >= as_float(low)
        if high is not None:
            inside &= values <= as_float(high)
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


def is_whole(values: torch.Tensor) -> bool:
    """Whether they are whole numbers or booleans."""
    return not (values.is_floating_point() or values.is_complex())


_LEAST = -(2**63)


def wide(values: torch.Tensor) -> torch.Tensor:
    """As float64; complex numbers as they are."""
    module = load_torch()
    return values if values.is_complex() else values.to(module.float64)
