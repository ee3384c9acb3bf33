"""The ways to make a lazy tensor from others: shape and dtype rules, without torch.

Each function checks what it is given, raises ``StepError`` with both sides of a misfit, and keeps the result
a byte range of its file wherever that is possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.kernel import Elementwise, Reshape
from brainsurgery_shell.graph.sources import Full
from brainsurgery_shell.graph.structure import (
    Concat,
    DimRange,
    PermuteRows,
    Slice,
    WriteRegion,
    beneath,
    shape_of,
)
from brainsurgery_shell.graph.tensor import LazyTensor, Shape, computed, stored
from brainsurgery_shell.graph.views import Permute, expanding

if TYPE_CHECKING:
    import torch

ROW_BLOCK = 1 << 20
"""Largest row, in elements, that is permuted by itself."""


def elementwise(
    function: Callable[..., torch.Tensor], *inputs: LazyTensor, dtype: DType | None = None
) -> LazyTensor:
    """``function`` of the inputs, element by element; shape and dtype of the first unless ``dtype`` is given.

    ``function`` gets 1-d torch tensors of equal length and returns one of the result's dtype.
    """
    first = inputs[0]
    return LazyTensor(first.shape, dtype or first.dtype, kernel=Elementwise(function, inputs))


def require_arithmetic(tensor: LazyTensor) -> None:
    """Fail unless torch computes on the tensor's dtype."""
    if not tensor.dtype.arithmetic:
        fail(
            f"{tensor.dtype} is a dtype to store, not to compute with",
            hint="cast it first: cast_: target: …, to: float32",
        )


def require_same(a: LazyTensor, b: LazyTensor) -> None:
    """Fail unless two tensors that meet have one dtype and one shape."""
    if a.dtype is not b.dtype:
        fail(f"dtypes differ: {a.dtype} and {b.dtype}", hint="cast one of them: cast_: target: …, to: …")
    if a.shape != b.shape:
        fail(
            f"shapes differ: {list(a.shape)} and {list(b.shape)}",
            hint="broadcast: true asks for broadcasting",
        )


def broadcast_shape(a: Shape, b: Shape) -> Shape:
    """The shape that torch broadcasts ``a`` and ``b`` to."""
    rank = max(len(a), len(b))
    left, right = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(left, right, strict=True)):
        fail(f"shapes {list(a)} and {list(b)} do not broadcast")
    return tuple(n if m == 1 else m for m, n in zip(left, right, strict=True))


def expand(tensor: LazyTensor, shape: Shape) -> LazyTensor:
    """``tensor`` broadcast to ``shape``."""
    if tensor.shape == shape:
        return tensor
    if tensor.dtype.packed or broadcast_shape(tensor.shape, shape) != shape:
        fail(f"shape {list(tensor.shape)} does not broadcast to {list(shape)}")
    return computed(shape, tensor.dtype, expanding(tensor, shape))


def reshape(tensor: LazyTensor, shape: Sequence[int]) -> LazyTensor:
    """The same elements as ``shape``, of which one dim may be -1."""
    target = resolve_shape(tensor, shape)
    if tensor.kernel is None and tensor.file is not None:
        return stored(target, tensor.dtype, tensor.file, tensor.offset)
    if isinstance(tensor.kernel, Reshape):
        tensor = tensor.kernel.inputs[0]
    return tensor if target == tensor.shape else computed(target, tensor.dtype, Reshape((tensor,)))


def resolve_shape(tensor: LazyTensor, shape: Sequence[int]) -> Shape:
    """``shape`` with its -1 replaced so that it holds the tensor's elements."""
    unknown = [dim for dim, size in enumerate(shape) if size == -1]
    if len(unknown) > 1 or any(size < -1 for size in shape):
        fail(f"{list(shape)} is no shape: sizes are ≥ 0, and one may be -1")
    known = math.prod(size for size in shape if size != -1)
    target = list(shape)
    if unknown:
        if known == 0 or tensor.numel % known:
            fail(f"{tensor.numel} elements of shape {list(tensor.shape)} do not fit {list(shape)}")
        target[unknown[0]] = tensor.numel // known
    elif known != tensor.numel:
        fail(
            f"shape {list(tensor.shape)} has {tensor.numel} elements, {list(shape)} has {known}",
            hint="one size may be -1",
        )
    return tuple(target)


def resolve_dim(dim: int, rank: int) -> int:
    """A dim counted from the front; negative ones count from the back."""
    if not -rank <= dim < rank:
        what = "a tensor of rank 0 has no dims" if rank == 0 else f"expected {-rank} to {rank - 1}"
        fail(f"dim {dim} is out of range: {what}")
    return dim % rank


def permute(tensor: LazyTensor, order: Sequence[int]) -> LazyTensor:
    """Dims in the order given: dim ``i`` of the result is dim ``order[i]`` of the tensor."""
    rank = tensor.rank
    if len(order) != rank or sorted(dim % rank if -rank <= dim < rank else -1 for dim in order) != list(
        range(rank)
    ):
        fail(
            f"order {list(order)} does not name each dim of shape {list(tensor.shape)} once",
            hint=f"a permutation of {list(range(rank))}",
        )
    resolved = tuple(dim % rank for dim in order)
    shape = tuple(tensor.shape[dim] for dim in resolved)
    moved = [dim for dim in resolved if tensor.shape[dim] != 1]
    if moved == sorted(moved):  # only dims of size one move: the bytes stay where they are
        return reshape(tensor, shape)
    _require_bytes(tensor)
    kept = next(i for i, dim in enumerate(resolved) if i != dim)
    if kept and math.prod(tensor.shape[kept:]) <= ROW_BLOCK:
        return computed(shape, tensor.dtype, PermuteRows(tensor, resolved, kept))
    return computed(shape, tensor.dtype, Permute(tensor, resolved))


def take(tensor: LazyTensor, ranges: Sequence[tuple[int, int, int, bool]]) -> LazyTensor:
    """The elements that ``ranges`` (start, stop, step, keep; one a dim) select."""
    region = _region(tensor.shape, tuple(ranges))
    if region.whole:
        return tensor
    _require_bytes(tensor)
    if tensor.numel == 0:
        return empty(region.shape, tensor.dtype)
    tensor, exact = beneath(tensor, region.dims)
    if exact:
        return tensor
    if region.offset is not None and tensor.kernel is None and tensor.file is not None:
        start = tensor.offset + region.offset * tensor.dtype.itemsize
        return stored(region.shape, tensor.dtype, tensor.file, start)
    return computed(region.shape, tensor.dtype, Slice(tensor, region.dims))


def write_region(
    base: LazyTensor, ranges: Sequence[tuple[int, int, int, bool]], value: LazyTensor
) -> LazyTensor:
    """``base`` with the region that ``ranges`` select replaced by ``value``."""
    region = _region(base.shape, tuple(ranges))
    if value.dtype is not base.dtype:
        fail(f"dtypes differ: {value.dtype} goes into {base.dtype}", hint="cast one of them first")
    if value.shape != region.shape:
        fail(f"shapes differ: {list(value.shape)} goes into a region of shape {list(region.shape)}")
    _require_bytes(base)
    if not base.shape:
        return value
    if isinstance(base.kernel, WriteRegion) and base.kernel.ranges == region.dims:
        base = base.kernel.inputs[0]  # what was written there before, nobody sees
    return computed(base.shape, base.dtype, WriteRegion(base, value, region.dims))


def concat(parts: Sequence[LazyTensor], dim: int) -> LazyTensor:
    """The parts one after the other along ``dim``; they agree in dtype and in all other dims."""
    first = parts[0]
    if first.rank == 0:
        fail("a tensor of rank 0 cannot be concatenated", hint="reshape_ it to [1] first")
    at = resolve_dim(dim, first.rank)
    for part in parts[1:]:
        if part.dtype is not first.dtype:
            fail(f"dtypes differ: {first.dtype} and {part.dtype}", hint="cast one of them first")
        if part.rank != first.rank or _without(part.shape, at) != _without(first.shape, at):
            fail(f"shapes {list(first.shape)} and {list(part.shape)} differ in more than dim {at}")
    shape = (*first.shape[:at], sum(part.shape[at] for part in parts), *first.shape[at + 1 :])
    if len(parts) == 1:
        return first
    _require_bytes(first)
    filled = tuple(part for part in parts if part.numel) or (first,)
    return computed(shape, first.dtype, Concat(filled, at)) if math.prod(shape) else empty(shape, first.dtype)


def full(shape: Shape, dtype: DType, value: float | int | bool | complex) -> LazyTensor:
    """A tensor that holds ``value`` everywhere."""
    return computed(shape, dtype, Full(value))


def empty(shape: Shape, dtype: DType) -> LazyTensor:
    """A tensor without elements."""
    return full(shape, dtype, 0)


def arithmetic(
    function: Callable[..., torch.Tensor],
    a: LazyTensor,
    b: LazyTensor,
    broadcast: bool,
    *,
    logical: bool = False,
) -> LazyTensor:
    """``function(a, b)`` where dtypes agree, and shapes do or are broadcast.

    ``logical`` says that torch computes it on booleans too (as or, as and).
    """
    for each in (a, b):
        if not (logical and each.dtype.cls == "bool"):
            require_arithmetic(each)
    if broadcast and a.dtype is b.dtype:
        shape = broadcast_shape(a.shape, b.shape)
        a, b = expand(a, shape), expand(b, shape)
    require_same(a, b)
    return elementwise(function, a, b)


def bound(function: Callable[..., torch.Tensor], *arguments: object) -> Callable[..., torch.Tensor]:
    """``function`` with arguments that follow the tensors."""
    return partial(_call, function, arguments)


def _call(
    function: Callable[..., torch.Tensor], arguments: tuple[object, ...], *tensors: torch.Tensor
) -> torch.Tensor:
    return function(*tensors, *arguments)


def _without(shape: Shape, dim: int) -> Shape:
    return shape[:dim] + shape[dim + 1 :]


def _require_bytes(tensor: LazyTensor) -> None:
    if tensor.dtype.packed:
        fail(f"{tensor.dtype} packs several elements into a byte: such a tensor moves only as a whole")


class _Region(NamedTuple):
    """What ranges select from a tensor of a known shape."""

    dims: tuple[DimRange, ...]
    shape: Shape
    whole: bool
    offset: int | None
    """The first element, where the elements lie one behind the other."""


@lru_cache(1024)
def _region(shape: Shape, ranges: tuple[tuple[int, int, int, bool], ...]) -> _Region:
    """Remembered: 100,000 tensors have few shapes."""
    dims = tuple(DimRange(*each) for each in ranges)
    whole = all(item == (0, size, 1, True) for item, size in zip(dims, shape, strict=True))
    offset = _leading_offset(shape, dims) if math.prod(shape) else None
    return _Region(dims, shape_of(dims), whole, offset)


def _leading_offset(shape: Shape, dims: tuple[DimRange, ...]) -> int | None:
    """The first element of a selection that is one contiguous range, else ``None``."""
    offset, stride = 0, math.prod(shape)
    single = True
    for item, size in zip(dims, shape, strict=True):
        stride //= size
        if not single and item[:3] != (0, size, 1):
            return None
        if item.size != 1:
            single = False
            if item.step != 1:
                return None
        offset += item.start * stride
    return offset


def require_fits(value: float | int | bool, dtype: DType) -> None:
    """Fail unless a tensor of ``dtype`` can hold ``value`` (floats may round, but not overflow)."""
    if isinstance(value, bool) and dtype.cls != "bool":
        fail(f"{str(value).lower()} is a boolean, and the tensor is {dtype}")
    if dtype.cls == "bool":
        if value not in (0, 1):
            fail(f"{value} is no boolean: bool tensors take true, false, 0 and 1")
    elif dtype.cls == "int" and (value != int(value) if math.isfinite(value) else True):
        fail(f"{value} is no whole number, and the tensor is {dtype}")
    elif (
        dtype.cls in ("int", "float") and math.isfinite(value) and not dtype.lowest <= value <= dtype.highest
    ):
        fail(f"{value} lies outside the range of {dtype}: {dtype.lowest} to {dtype.highest}")


def require_whole(value: float | int, dtype: DType, what: str) -> None:
    """Fail if ``value`` is a float, and ``dtype`` is one of whole numbers."""
    if dtype.cls == "int" and not isinstance(value, int):
        fail(
            f"{dtype} takes whole numbers only, not {what}: {value}",
            hint="cast it to a float dtype first",
        )


def require_number(value: float | int, dtype: DType, what: str) -> float | int:
    """``value`` as torch takes it beside a tensor of ``dtype``; a whole number beyond int64 becomes a float.

    Raises:
        StepError: it lies outside the dtype's range, or is no whole number beside whole numbers.
    """
    if dtype.cls == "int":
        require_whole(value, dtype, what)
    elif isinstance(value, int) and abs(value) >= 2**63:
        value = float(value) if abs(value) < 2**1024 else math.copysign(math.inf, value)
    # torch takes negative numbers beside unsigned ones: they wrap
    lowest = dtype.lowest or -dtype.highest
    if dtype.cls in ("int", "float") and math.isfinite(value) and not lowest <= value <= dtype.highest:
        fail(f"{what}: {value} lies outside the range of {dtype}: {dtype.lowest} to {dtype.highest}")
    return value
