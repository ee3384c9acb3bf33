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
    """``a ** b``."""
    power: torch.Tensor = a**b
    return power
