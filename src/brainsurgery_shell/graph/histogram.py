"""Histograms of one tensor: how many of its elements lie in each of some equal parts of their range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

_WIDEST = 1e290
"""A wider range is scaled down first: products of it must not become infinite."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of finite elements, in equal parts of ``low`` to ``high``; ``high`` is in the last one."""

    low: float
    high: float
    counts: tuple[int, ...]
    nan: int = 0
    inf: int = 0


def histogram(tensor: LazyTensor, bins: int, evaluator: Evaluator) -> Histogram:
    """The counts are those of ``torch.histc`` on the finite elements as float64, between their extremes.

    Elements that are all equal get a range of 2 around them, as there.

    Raises:
        StepError: the dtype has no order, or there is no finite element.
    """
    require_order(tensor)
    if tensor.dtype.bits <= 16:
        return _of_patterns(tensor, bins, evaluator)
    torch = load_torch()
    low, high, finite = math.inf, -math.inf, 0
    nan = inf = 0
    for chunk in evaluator.chunks(tensor):
        values = chunk if chunk.is_floating_point() else chunk.to(torch.float64)
        least, most = (each.item() for each in values.aminmax())
        if not (math.isfinite(least) and math.isfinite(most)):
            nan += int(torch.isnan(values).sum())
            inf += int(torch.isinf(values).sum())
            values = values[torch.isfinite(values)]
            if not values.numel():
                continue
            least, most = (each.item() for each in values.aminmax())
        low, high = min(low, least), max(high, most)
        finite += values.numel()
    _require_finite(finite)
    counts = torch.zeros(bins, dtype=torch.int64)
    low, high = _spread(low, high)
    for chunk in evaluator.chunks(tensor):
        values = chunk.to(torch.float64)
        if nan or inf:
            values = values[torch.isfinite(values)]
        counts += torch.bincount(_places(values, low, high, bins), minlength=bins)
    return Histogram(low, high, tuple(counts.tolist()), nan, inf)


def require_order(tensor: LazyTensor) -> None:
    """Fail unless the elements are numbers that can be ordered, and there are some.

    Raises:
        StepError: they are not.
    """
    if tensor.dtype.packed or tensor.dtype.cls == "complex":
        fail(f"{tensor.dtype} has no histogram: its elements have no order")
    if not tensor.numel:
        fail("a tensor without elements has no histogram")


def passes(tensor: LazyTensor) -> int:
    """How often the tensor is read for a histogram."""
    return 1 if tensor.dtype.bits <= 16 else 2


def _of_patterns(tensor: LazyTensor, bins: int, evaluator: Evaluator) -> Histogram:
    """Of at most 65,536 different values: each is counted, in one pass, and then put in its place."""
    torch = load_torch()
    bits = tensor.dtype.bits
    plain = torch.uint8 if bits == 8 else torch.uint16
    seen = torch.zeros(1 << bits, dtype=torch.int64)
    for chunk in evaluator.chunks(tensor):
        seen += torch.bincount(chunk.view(plain).to(torch.int32), minlength=1 << bits)
    present = torch.arange(1 << bits, dtype=torch.int32)[seen > 0]
    seen = seen[seen > 0]
    values = present.to(plain).view(torch_dtype(tensor.dtype)).to(torch.float64)
    nan, inf = int(seen[torch.isnan(values)].sum()), int(seen[torch.isinf(values)].sum())
    finite = torch.isfinite(values)
    values, seen = values[finite], seen[finite]
    _require_finite(values.numel())
    low, high = _spread(values.min().item(), values.max().item())
    counts = torch.zeros(bins, dtype=torch.int64)
    counts.index_add_(0, _places(values.clone(), low, high, bins), seen)
    return Histogram(low, high, tuple(counts.tolist()), nan, inf)


def _require_finite(count: int) -> None:
    if not count:
        fail("a tensor without finite elements has no histogram")


def _spread(low: float, high: float) -> tuple[float, float]:
    return (low, high) if low < high else (low - 1.0, high + 1.0)


def _places(values: torch.Tensor, low: float, high: float, bins: int) -> torch.Tensor:
    """The part that each of some finite float64 lies in, computed as ``torch.histc`` does."""
    module = load_torch()
    if high - low > _WIDEST:
        scale = 2.0**-64
        values, low, high = values * scale, low * scale, high * scale
    places = (values - low).mul_(bins).div_(high - low).to(module.int32)
    found: torch.Tensor = places.clamp_(0, bins - 1)
    return found
