"""Elementwise computations on 1-d torch tensors: the same calls a PyTorch script makes, so the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def plus(a: torch.Tensor, b: torch.Tensor, alpha: float) -> torch.Tensor:
    """``a + alpha * b``."""
    return a.add(b, alpha=alpha)


def minus(a: torch.Tensor, b: torch.Tensor, alpha: float) -> torch.Tensor:
    """``a - alpha * b``."""
    return a.sub(b, alpha=alpha)


def times(a: torch.Tensor, b: torch.Tensor | float) -> torch.Tensor:
    """``a * b``."""
    return a.mul(b)


def over(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """``a / b``."""
    return a.div(b)


def clamped(a: torch.Tensor, low: float | None, high: float | None) -> torch.Tensor:
    """Values of ``a`` limited to low … high."""
    return a.clamp(low, high)


def powered(a: torch.Tensor | float, b: torch.Tensor | float) -> torch.Tensor:
    """``a ** b``.

    The last elements, which do not fill a vector register, torch computes in another way with another
    rounding; filled up, they come out alike wherever a piece ends.
    """
    count = max(each.numel() for each in (a, b) if not isinstance(each, (int, float)))
    if count % _LANES == 0:
        whole: torch.Tensor = a**b
        return whole
    filled = [each if isinstance(each, (int, float)) else _filled(each) for each in (a, b)]
    padded: torch.Tensor = filled[0] ** filled[1]
    return padded[:count]


_LANES = 64
"""Elements of the widest loop step that torch has on any processor, and more."""


def _filled(values: torch.Tensor) -> torch.Tensor:
    padded = values.new_ones(-(-values.numel() // _LANES) * _LANES)
    padded[: values.numel()] = values
    return padded
