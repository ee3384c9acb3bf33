"""Statistics of one tensor in one pass over its pieces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.compare import ordered
from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Statistics:
    """What ``dump`` shows. NaN makes min, max, mean and std NaN, as in torch; no elements have none."""

    min: float | int | None = None
    max: float | int | None = None
    mean: float | None = None
    std: float | None = None
    """Unbiased, as ``torch.std``: NaN for a single element."""
    zeros: int = 0
    nan: int = 0
    inf: int = 0


def statistics(tensor: LazyTensor, evaluator: Evaluator) -> Statistics:
    """Min, max, mean, std and counts; sums in float64, pieces combined by Chan's update.

    Complex tensors have counts, mean and std of their absolute values left out; packed dtypes have none.
    """
    result = Statistics()
    if tensor.dtype.packed or not tensor.numel:
        return result
    torch = load_torch()
    whole = tensor.dtype.cls in ("int", "bool")
    lows: list[float | int] = []
    highs: list[float | int] = []
    count, mean, squares = 0, 0.0, 0.0
    for chunk in evaluator.chunks(tensor):
        if tensor.dtype.cls == "complex":
            result.zeros += int((chunk == 0).sum())
            result.nan += int(torch.isnan(chunk).sum())
            result.inf += int(torch.isinf(chunk).sum())
            continue
        values = _widened(chunk)
        if whole:
            exact, shift = (chunk, 0) if tensor.dtype.arithmetic else ordered(chunk)
            least, most = exact.aminmax()
            lows.append(int(least) + shift)
            highs.append(int(most) + shift)
        else:
            low, high = _extremes(chunk, values)
            if not (math.isfinite(low) and math.isfinite(high)):
                result.nan += int(torch.isnan(values).sum())
                result.inf += int(torch.isinf(values).sum())
            lows.append(low)
            highs.append(high)
        size = values.numel()
        result.zeros += size - int(values.count_nonzero())
        piece_mean = values.mean().item()
        delta = piece_mean - mean
        gaps = values - piece_mean if values is chunk else values.sub_(piece_mean)
        squares += float(gaps.square_().sum()) + delta * delta * count * size / (count + size)
        count += size
        mean += delta * size / count
    if lows:
        result.min, result.max = _extreme(lows, min), _extreme(highs, max)
        result.mean = mean
        result.std = math.sqrt(squares / (count - 1)) if count > 1 else math.nan
        if result.inf or result.nan:
            result.mean, result.std = _with_infinities(result)
    return result


def _widened(chunk: torch.Tensor) -> torch.Tensor:
    """As float64. What a byte holds is looked up: many times as fast as torch converts some."""
    module = load_torch()
    if chunk.element_size() > 1 or not chunk.is_floating_point():
        return chunk.to(module.float64)
    every = module.arange(256, dtype=module.uint8).view(chunk.dtype).to(module.float64)
    wide: torch.Tensor = every.index_select(0, chunk.view(module.uint8).to(module.int32))
    return wide


def _extremes(chunk: torch.Tensor, wide: torch.Tensor) -> tuple[float, float]:
    """The least and the largest of a piece, which is also there as float64.

    Narrow numbers are compared faster; but which of two zeroes they give may differ.
    """
    if chunk.element_size() > 1:
        low, high = (each.item() for each in chunk.aminmax())
        if low and high:
            return low, high
    low, high = (each.item() for each in wide.aminmax())
    return low, high


def _extreme(values: list[float | int], choose: object) -> float | int:
    if any(value != value for value in values):
        return math.nan
    return min(values) if choose is min else max(values)


def _with_infinities(result: Statistics) -> tuple[float, float]:
    """The mean, and the std, where they are not finite: as the sums in torch come out."""
    if result.nan or (result.min == -math.inf and result.max == math.inf):
        return math.nan, math.nan
    return (math.inf if result.max == math.inf else -math.inf), math.nan
