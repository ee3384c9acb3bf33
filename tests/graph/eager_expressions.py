"""Expressions as Python computes them with torch: what ``compute`` must give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _of_tensors(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """For functions of torch that take no numbers: a number becomes a tensor of the others' dtype."""

    def called(*values: Any) -> torch.Tensor:
        numeric = (
            each.dtype for each in values if isinstance(each, torch.Tensor) and each.dtype != torch.bool
        )
        dtype = next(numeric)
        parts = (
            each if isinstance(each, torch.Tensor) else torch.tensor(each, dtype=dtype) for each in values
        )
        return function(*parts)

    return called


_FUNCTIONS: dict[str, Any] = {
    "abs": torch.abs, "sqrt": torch.sqrt, "exp": torch.exp, "log": torch.log, "sign": torch.sign,
    "where": _of_tensors(torch.where), "minimum": _of_tensors(torch.minimum),
    "maximum": _of_tensors(torch.maximum), "clamp": torch.clamp, "norm": torch.linalg.vector_norm,
    "mean": torch.mean, "sum": torch.sum,
    "transpose": lambda x, dim0=-2, dim1=-1: x.transpose(dim0, dim1).contiguous(),
}  # fmt: skip


def by_python(text: str, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """The expression's value: Python reads it, and torch computes one operation after the other."""
    result: torch.Tensor = eval(text, {**_FUNCTIONS, **tensors})
    return result
