"""Casts, with a count of what overflows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.kernel import Kernel, Overflow, Piece, Request
from brainsurgery_shell.graph.runtime import load_torch, torch_dtype
from brainsurgery_shell.graph.tensor import LazyTensor, computed

if TYPE_CHECKING:
    import torch


class Cast(Kernel):
    """``tensor.to(dtype)``. ``name`` and ``counted`` are for the warning about overflow."""

    __slots__ = ("counted", "dtype", "name")

    def __init__(self, source: LazyTensor, dtype: DType, name: str, counted: bool) -> None:
        super().__init__((source,))
        self.dtype = dtype
        self.name = name
        self.counted = counted

    @property
    def changes_ranges(self) -> bool:
        """Ranges stay."""
        return False

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Convert, and report how many values overflowed."""
        source = self.inputs[0]
        values = yield Request(source, start, stop)
        result = convert(values, source.dtype, out.dtype)
        if self.counted and may_overflow(source.dtype, out.dtype) and overflowed(values, result, out.dtype):
            yield Overflow(self)
        return result

    def count_overflow(self, chunks: Callable[[LazyTensor], Iterable[torch.Tensor]]) -> int:
        """How many values overflow, each counted once; ``chunks`` evaluates a tensor."""
        source = self.inputs[0]
        if not may_overflow(source.dtype, self.dtype):
            return 0
        return sum(
            overflowed(values, convert(values, source.dtype, self.dtype), self.dtype)
            for values in chunks(source)
        )


def cast(tensor: LazyTensor, dtype: DType, *, name: str = "", counted: bool = False) -> LazyTensor:
    """``tensor`` in another dtype, rounded as torch does."""
    if tensor.dtype is dtype:
        return tensor
    if tensor.dtype.packed or dtype.packed:
        fail(f"torch does not convert {tensor.dtype} to {dtype}")
    return computed(tensor.shape, dtype, Cast(tensor, dtype, name, counted))


def may_overflow(source: DType, target: DType) -> bool:
    """Whether a value of ``source`` can lie beyond the range of ``target``."""
    if target.cls == "bool" or (target.cls == "complex" and source.cls != "complex"):
        return False
    if source.cls == "bool":
        return False
    if source.cls == "float" and target.cls == "float" and source.highest == target.highest:
        return False
    if target.cls == "int" and source.cls == "float":
        return True
    return source.cls == "complex" or source.highest > target.highest or source.lowest < target.lowest


def convert(values: torch.Tensor, source: DType, target: DType) -> torch.Tensor:
    """A torch tensor in the dtype ``target``; complex numbers lose their imaginary part."""
    if source.cls == "complex" and target.cls not in ("complex", "bool"):
        values = values.real
    if (source.name, target.name) in _THROUGH_FLOAT32:
        return values.to(load_torch().float32).to(torch_dtype(target))
    return values.to(torch_dtype(target))


def overflowed(values: torch.Tensor, result: torch.Tensor, target: DType) -> int:
    """How many finite values became infinite, were clipped, or left the range of whole numbers."""
    torch = load_torch()
    if _inside(values, target):
        return 0
    if values.is_complex():
        if result.is_complex():
            return overflowed(values.real, result.real, _F32) + overflowed(values.imag, result.imag, _F32)
        values = values.real
    if values.dtype.is_floating_point and values.element_size() == 1:
        values = values.to(torch.float32)
    if target.cls == "int":
        if values.dtype.is_floating_point:
            # Compared as floats: the bounds of int64 are no floats, the next power of two is.
            wide = values.to(torch.float64).trunc()
            inside = (wide >= float(target.lowest)) & (wide < float(target.highest + 1))
            return int((~inside).sum())
        return int((_below(values, target) | _above(values, target)).sum())
    finite = (
        torch.isfinite(values)
        if values.dtype.is_floating_point
        else torch.ones_like(values, dtype=torch.bool)
    )
    shown = result.to(torch.float32) if result.element_size() == 1 else result
    lost = ~torch.isfinite(shown)
    if result.element_size() == 1:
        # Eight-bit kinds without infinities clip instead: a value beyond the midpoint above the largest one.
        lost = lost | (
            (shown.abs() == target.highest) & (values.to(torch.float64).abs() > _rounds_down_to(target))
        )
    return int((finite & lost).sum())


def _inside(values: torch.Tensor, target: DType) -> bool:
    """Whether all values certainly fit: a look at the extremes, which NaN would be, costs next to nothing."""
    if values.is_complex() or (values.dtype.itemsize == 1 and values.is_floating_point()):
        return False
    if values.dtype in _without_order():
        return False
    low, high = values.aminmax()
    return bool(target.lowest <= low.item() and high.item() <= target.highest)


@cache
def _without_order() -> tuple[torch.dtype, ...]:
    """Dtypes whose extremes torch does not find."""
    torch = load_torch()
    return torch.uint16, torch.uint32, torch.uint64, torch.bool


def _below(values: torch.Tensor, target: DType) -> torch.Tensor:
    low = int(target.lowest)
    if values.dtype.itemsize == 8 and not values.dtype.is_signed:
        return values != values
    return values.to(load_torch().int64) < low


def _above(values: torch.Tensor, target: DType) -> torch.Tensor:
    torch = load_torch()
    if values.dtype == torch.uint64:
        # Seen as int64, the upper half of uint64 is negative.
        signed = values.view(torch.int64)
        return (signed < 0) | (signed > int(min(target.highest, 2**63 - 1)))
    return values.to(torch.int64) > int(min(target.highest, 2**63 - 1))


def _rounds_down_to(target: DType) -> float:
    """The largest value that still rounds to the largest finite one: half a step above it."""
    return _MIDPOINTS.get(target.name, target.highest)


_MIDPOINTS = {
    "float8_e4m3fn": 464.0,
    "float8_e4m3fnuz": 248.0,
    "float8_e5m2": 61440.0,
    "float8_e5m2fnuz": 61440.0,
    "float8_e8m0fnu": 1.5 * 2.0**127,
}

_EIGHT_BITS = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
_THROUGH_FLOAT32 = frozenset({("bfloat16", "float16"), *(("float16", name) for name in _EIGHT_BITS)})
"""Casts that torch makes twice as fast in two steps, with the same bits: the first is exact."""

_F32 = DType("float32", "", 32, "float", True, -3.4028234663852886e38, 3.4028234663852886e38)
