"""How two tensors differ: how many values, where first, by how much; in one pass over both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.compare import as_float, index_of, is_whole, ordered, wide
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

_LEAST = -(2**63)
_TINY, _HUGE = 1e-26, 1e30
"""Sums of squares between these lost nothing in float32."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where and by how much two tensors differ."""

    count: int
    """How many values do."""
    index: tuple[int, ...]
    """Of the first of them."""
    found: str
    expected: str
    largest: float = 0.0
    """Largest absolute difference among them."""
    relative: float | None = None
    """Frobenius norm of the difference of all values by that of the left ones; infinite if those are zeroes.
    ``None`` where it was not asked for, or infinities and NaN leave none."""
    cosine: float | None = None
    """Of the angle between the two; ``None`` also where one is zero."""


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


def difference(
    left: LazyTensor, right: LazyTensor, eps: float, evaluator: Evaluator, *, measured: bool = False
) -> Difference | None:
    """How two tensors of one shape and dtype differ, or ``None``.

    NaN equals NaN, infinities of one sign are equal; ``eps`` is absolute. ``measured`` adds what is relative
    to the whole tensors, for numbers.
    """
    if same_bytes(left, right) or not left.numel:
        return None
    tally = _Tally(eps, Norms() if measured and not left.dtype.packed else None)
    for a, b in zip(evaluator.chunks(left), evaluator.chunks(right), strict=True):
        tally.add(a, b)
    if tally.first is None:
        return None
    relative = cosine = None
    if tally.norms is not None:
        if tally.begun:  # what came before it was the same, and was not added up
            for a in evaluator.chunks(left, 0, tally.begun):
                tally.norms.add_same(a)
        relative, cosine = tally.norms.result()
    at, found, expected = tally.first
    return Difference(tally.count, index_of(at, left), found, expected, tally.largest, relative, cosine)


class _Tally:
    """What is known of two tensors, piece by piece."""

    __slots__ = ("at", "begun", "count", "eps", "first", "largest", "norms")

    def __init__(self, eps: float, norms: Norms | None) -> None:
        self.eps = eps
        self.norms = norms
        """``None``: nobody asks for them."""
        self.at = 0
        """Where the next piece begins."""
        self.begun: int | None = None
        """Where the first piece began whose bits differ."""
        self.count, self.largest = 0, 0.0
        self.first: tuple[int, str, str] | None = None
        """Where the first difference is, and both values."""

    def add(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """The next piece of each."""
        if not _same_bits(a, b):
            if self.begun is None:
                self.begun = self.at
            self._add_unlike(a, b)
        elif self.norms is not None and self.begun is not None:
            self.norms.add_same(a)
        self.at += a.numel()

    def _add_unlike(self, a: torch.Tensor, b: torch.Tensor) -> None:
        quick = _quickly(a, b, self.eps, self.norms)
        if quick is not None and (self.first is not None or not quick[0]):
            self.count, self.largest = self.count + quick[0], max(self.largest, quick[1])
            return
        if self.norms is not None and quick is None:
            self.norms.add_wide(a, b)
        wrong = _unequal(a, b, self.eps)
        bad = int(wrong.sum())
        if not bad:
            return
        self.count += bad
        self.largest = max(self.largest, _largest_gap(a, b, wrong))
        if self.first is None:
            at = int(wrong.to(load_torch().uint8).argmax())
            self.first = self.at + at, str(a[at].item()), str(b[at].item())


class Norms:
    """Sums of squares of two tensors and of what lies between them, piece by piece, in float64."""

    __slots__ = ("gap", "left", "right")

    def __init__(self) -> None:
        self.left = self.right = self.gap = 0.0

    def add(self, a: torch.Tensor, b: torch.Tensor, gap: torch.Tensor) -> None:
        """Finite pieces, as float32 or float64."""
        self.left += _square(a)
        self.right += _square(b)
        self.gap += _square(gap)

    def add_same(self, a: torch.Tensor) -> None:
        """A piece that both have. What is not finite there is no difference, and left out."""
        narrow = a.is_floating_point() and a.element_size() <= 2
        square = _square(a.to(load_torch().float32) if narrow else wide(a))
        if not math.isfinite(square):
            a = wide(a)
            square = _square(a.masked_fill(~load_torch().isfinite(a), 0))
        self.left += square
        self.right += square

    def add_wide(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """A piece of any dtype. Equal infinities and NaN are left out, others leave no result."""
        module = load_torch()
        a, b = wide(a), wide(b)
        same = (a == b) | (module.isnan(a) & module.isnan(b))
        gap = (a - b).masked_fill_(same, 0)
        strange = same & ~module.isfinite(a)
        self.add(a.masked_fill(strange, 0), b.masked_fill(strange, 0), gap)

    def result(self) -> tuple[float | None, float | None]:
        """The norm of the difference by that of the left, and the cosine."""
        if not math.isfinite(self.left + self.right + self.gap):
            return None, None
        relative = math.sqrt(self.gap) / math.sqrt(self.left) if self.left else math.inf
        if not self.left or not self.right:
            return relative, None
        # Not from a sum of products: of tensors that are nearly the same, this loses nothing.
        cosine = (self.left + self.right - self.gap) / (2 * math.sqrt(self.left) * math.sqrt(self.right))
        return relative, max(-1.0, min(1.0, cosine))


def _square(values: torch.Tensor) -> float:
    """The sum of squares."""
    module = load_torch()
    if values.is_complex():
        values = module.view_as_real(values).reshape(-1)
    square = float(module.dot(values, values))
    if values.dtype == module.float32 and not _TINY < square < _HUGE:
        values = values.to(module.float64)
        square = float(module.dot(values, values))
    return square


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the values are the same for certain: ten times as fast as comparing small floats."""
    module = load_torch()
    a, b = a.contiguous(), b.contiguous()  # columns of a slice are not
    words = a.numel() * a.element_size() % 8 == 0 and all(
        each.storage_offset() * each.element_size() % 8 == 0 for each in (a, b)
    )
    dtype = module.int64 if words else module.uint8
    same: bool = module.equal(a.view(dtype), b.view(dtype))
    return same


def _quickly(a: torch.Tensor, b: torch.Tensor, eps: float, norms: Norms | None) -> tuple[int, float] | None:
    """How many finite floats differ, and by how much at most; ``None`` where a closer look is needed.

    torch compares floats one by one, but subtracts and takes the largest of many at once. What gives a result
    is added to ``norms``.
    """
    if not a.is_floating_point():
        return None
    module = load_torch()
    narrow = a.element_size() <= 2 and not eps
    dtype, word = (module.float32, module.int32) if narrow else (module.float64, module.int64)
    a, b = a.to(dtype), b.to(dtype)
    gap = (a - b).abs_()
    largest = float(gap.amax())
    if not math.isfinite(largest) or (eps and largest > eps):
        return None
    if norms is not None:
        norms.add(a, b, gap)
    if eps:
        return (0, 0.0)
    # Of positive floats, only zero has the bits of a whole number below 1.
    return int(gap.view(word).clamp_max_(1).sum()), largest


def _unequal(a: torch.Tensor, b: torch.Tensor, eps: float) -> torch.Tensor:
    module = load_torch()
    if is_whole(a):
        left, right = ordered(a)[0], ordered(b)[0]
        return _far(left, right, eps) if eps > 0 else left != right
    if a.is_floating_point() and a.element_size() == 1:
        a, b = a.to(module.float32), b.to(module.float32)
    wrong: torch.Tensor = a != b
    wrong &= ~(module.isnan(a) & module.isnan(b))
    if eps and bool(wrong.any()):
        wrong &= ~((wide(a) - wide(b)).abs() <= as_float(eps))
    return wrong


def _largest_gap(a: torch.Tensor, b: torch.Tensor, wrong: torch.Tensor) -> float:
    """Among the elements that are ``wrong``; infinite if those are NaN alone."""
    gap = (wide(a) - wide(b)).abs()
    gap = gap[wrong & (gap == gap)]
    return float(gap.max()) if gap.numel() else math.inf


def _far(a: torch.Tensor, b: torch.Tensor, eps: float) -> torch.Tensor:
    """Where two int64 differ by more than ``eps``, exactly: their gap, up to 2^64, is an unsigned number."""
    module = load_torch()
    gap = module.where(a >= b, a - b, b - a)
    most = 2**64 - 1 if eps >= 2**64 else math.floor(eps)
    far: torch.Tensor = (gap ^ _LEAST) > most + _LEAST
    return far
