"""Random steps twice: as lines for a session, and as the plain torch calls that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from hypothesis import strategies as st

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
INTS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
STORED = (torch.bool, torch.uint16, torch.uint32, torch.float8_e4m3fn, torch.float8_e5m2)
EVERY = FLOATS + INTS + STORED

Tensors = dict[str, torch.Tensor]
Draw = Callable[[st.SearchStrategy[Any]], Any]


def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def make(dtype: torch.dtype, shape: tuple[int, ...], seed: int, *, special: bool = False) -> torch.Tensor:
    """A tensor of small numbers, halves among them; with ``special`` also NaN and infinities."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randint(-9, 10, shape, generator=generator)
    if dtype == torch.bool:
        return numbers > 0
    if not dtype.is_floating_point:
        return (numbers if dtype.is_signed else numbers.abs()).to(dtype)
    values = numbers.to(torch.float32) / 4 + torch.rand(shape, generator=generator) / 3
    if special and values.numel():
        flat = values.view(-1)
        flat[::5] = float("nan")
        flat[1::7] = float("inf")
        flat[2::11] = -float("inf")
        flat[3::13] = -0.0
    return values.to(dtype)


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if not a.numel():
        return True
    if torch.equal(raw(a), raw(b)):
        return True
    if a.dtype.itemsize == 1 or not a.is_floating_point():
        return False
    nan = torch.isnan(a) & torch.isnan(b)  # which NaN, the processor's vector and scalar units disagree on
    return torch.equal(raw(a.masked_fill(nan, 0)), raw(b.masked_fill(nan, 0)))


def raw(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.reshape(-1)).view(torch.uint8)


@dataclass
class World:
    """The tensors as torch has them, and how many names were given."""

    tensors: Tensors
    made: int = 0
    rounded: set[str] = field(default_factory=set)
    """Results of the last step that agree within rounding only: the test puts the engine's in their place."""
    lines: list[str] = field(default_factory=list)

    def new_name(self) -> str:
        self.made += 1
        return f"t{self.made}" if self.made % 3 else f"r.{self.made}"


def write(draw: Draw, world: World, operation: str, name: str, result: torch.Tensor, words: str) -> str:
    """The line for a result that goes to a new name, or in place."""
    if draw(st.booleans()):
        world.tensors[name] = result
        return f"{operation}_: target: {name}{words}"
    to = world.new_name()
    world.tensors[to] = result
    return f"{operation}: from: {name}, to: {to}{words}"


def index_text(draw: Draw, shape: tuple[int, ...]) -> tuple[str, tuple[Any, ...]] | None:
    """A slice of ``shape`` that selects something: as text, and as torch's index."""
    if not shape or 0 in shape:
        return None
    words, index = [], []
    for size in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from(("all", "range", "int", "step")))
        if kind == "all":
            words.append(":")
            index.append(slice(None))
        elif kind == "int":
            at = draw(st.integers(-size, size - 1))
            words.append(str(at))
            index.append(at)
        else:
            low = draw(st.integers(0, size - 1))
            high = draw(st.integers(low + 1, size + 2))
            step = draw(st.integers(1, 3)) if kind == "step" else 1
            start = draw(st.sampled_from((low, low - size))) if low else 0
            words.append(f"{start}:{high}" + (f":{step}" if kind == "step" else ""))
            index.append(slice(low, high, step))
    return "[" + ", ".join(words) + "]", tuple(index)


def pick(draw: Draw, world: World, among: tuple[torch.dtype, ...] = EVERY) -> str | None:
    names = [name for name, tensor in world.tensors.items() if tensor.dtype in among]
    return draw(st.sampled_from(names)) if names else None


def _copy(draw: Draw, world: World) -> str | None:
    name, to = pick(draw, world), world.new_name()
    assert name is not None
    world.tensors[to] = world.tensors[name].clone()
    return f"copy: from: {name}, to: {to}"


def _copy_slice(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    chosen = index_text(draw, world.tensors[name].shape)
    if chosen is None:
        return None
    to = world.new_name()
    world.tensors[to] = world.tensors[name][chosen[1]].contiguous().clone()
    return f"copy: from: '{name}::{chosen[0]}', to: {to}"


def _move(draw: Draw, world: World) -> str | None:
    name, to = pick(draw, world), world.new_name()
    assert name is not None
    world.tensors = {to if each == name else each: t for each, t in world.tensors.items()}
    return f"move: from: {name}, to: {to}"


def _delete(draw: Draw, world: World) -> str | None:
    if len(world.tensors) < 4:
        return None
    name = pick(draw, world)
    assert name is not None
    del world.tensors[name]
    return f"delete: {name}"


def partner(draw: Draw, world: World, tensor: torch.Tensor, shape: torch.Size | None = None) -> str | None:
    names = [
        name
        for name, other in world.tensors.items()
        if other.dtype == tensor.dtype and other.shape == (tensor.shape if shape is None else shape)
    ]
    return draw(st.sampled_from(names)) if names else None


def _assign(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    to = partner(draw, world, world.tensors[name])
    if to is None:
        return None
    world.tensors[to] = world.tensors[name].clone()
    return f"assign: from: {name}, to: {to}"


def _assign_region(draw: Draw, world: World) -> str | None:
    """A slice of one tensor into an equal slice of another, or of itself."""
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    chosen = index_text(draw, tensor.shape)
    to = partner(draw, world, tensor)
    if chosen is None or to is None:
        return None
    target = world.tensors[to].clone()
    region = target[chosen[1]]
    value = tensor[chosen[1]].clone()
    if draw(st.booleans()) and region.dim() >= 1:
        source = next(
            (n for n, t in world.tensors.items() if t.shape == region.shape and t.dtype == t.dtype), None
        )
        if source is not None and world.tensors[source].dtype == target.dtype:
            target[chosen[1]] = world.tensors[source]
            world.tensors[to] = target
            return f"assign: from: {source}, to: '{to}::{chosen[0]}'"
    target[chosen[1]] = value
    world.tensors[to] = target
    return f"assign: from: '{name}::{chosen[0]}', to: '{to}::{chosen[0]}'"


def _compute(sign: str, a: torch.Tensor, b: torch.Tensor, alpha: float) -> torch.Tensor:
    if sign == "add":
        return a.add(b, alpha=alpha)
    if sign == "subtract":
        return a.sub(b, alpha=alpha)
    return a.mul(b) if sign == "multiply" else a.div(b)


def _alpha(draw: Draw, sign: str) -> tuple[str, float]:
    if sign not in ("add", "subtract"):
        return "", 1
    alpha = draw(st.sampled_from((1, 2, -1)))  # products with these are exact: no fused rounding shows
    return (f", alpha: {alpha}", alpha) if alpha != 1 else ("", 1)


def _operands(draw: Draw, world: World) -> tuple[str, str, str, str, float, str] | None:
    name = pick(draw, world, FLOATS + INTS)
    if name is None:
        return None
    tensor = world.tensors[name]
    signs = ("add", "subtract", "multiply", *(("divide",) if tensor.is_floating_point() else ()))
    sign = draw(st.sampled_from(signs))
    others = [n for n, t in world.tensors.items() if t.dtype == tensor.dtype and _fits(t.shape, tensor.shape)]
    other = draw(st.sampled_from(others))
    words, alpha = _alpha(draw, sign)
    broadcast = ", broadcast: true" if world.tensors[other].shape != tensor.shape else ""
    return sign, name, other, words, alpha, broadcast


def _fits(shape: torch.Size, into: torch.Size) -> bool:
    try:
        return torch.broadcast_shapes(shape, into) == into
    except RuntimeError:
        return False


def _arithmetic(draw: Draw, world: World) -> str | None:
    chosen = _operands(draw, world)
    if chosen is None:
        return None
    sign, a, b, words, alpha, broadcast = chosen
    result = _compute(sign, world.tensors[a], world.tensors[b], alpha)
    to = partner(draw, world, result) if draw(st.booleans()) else None
    to = to or world.new_name()
    world.tensors[to] = result
    return f"{sign}: from_a: {a}, from_b: {b}, to: {to}{words}{broadcast}"


def _arithmetic_(draw: Draw, world: World) -> str | None:
    chosen = _operands(draw, world)
    if chosen is None:
        return None
    sign, to, name, words, alpha, broadcast = chosen
    world.tensors[to] = _compute(sign, world.tensors[to], world.tensors[name], alpha)
    return f"{sign}_: from: {name}, to: {to}{words}{broadcast}"


def _scale(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS + INTS)
    if name is None:
        return None
    tensor = world.tensors[name]
    by = (
        draw(st.sampled_from((2, -1, 0, 3)))
        if not tensor.is_floating_point()
        else draw(st.sampled_from((0.5, 1.1, -3.0, 2, 1e-3)))
    )
    return write(draw, world, "scale", name, tensor * by, f", by: {by!r}")


def _scale_region(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS)
    chosen = index_text(draw, world.tensors[name].shape) if name else None
    if name is None or chosen is None:
        return None
    tensor = world.tensors[name].clone()
    tensor[chosen[1]] = tensor[chosen[1]] * 1.5
    world.tensors[name] = tensor
    return f"scale_: target: '{name}::{chosen[0]}', by: 1.5"


def _cast(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    dtype = draw(st.sampled_from(EVERY))
    if tensor.is_floating_point() and not dtype.is_floating_point and dtype != torch.bool:
        # What becomes of values that do not fit is up to the processor.
        wide = tensor.to(torch.float64)
        bounds = torch.iinfo(dtype)
        inside = torch.isfinite(wide) & (wide > float(bounds.min) - 1) & (wide < float(bounds.max))
        if not bool(inside.all()):
            return None
    if draw(st.booleans()):
        world.tensors[name] = tensor.to(dtype)
        key = draw(st.sampled_from(("to", "dtype")))
        return f"cast_: target: {name}, {key}: {dtype_name(dtype)}"
    to = world.new_name()
    world.tensors[to] = tensor.to(dtype)
    return f"cast: from: {name}, to: {to}, dtype: {dtype_name(dtype)}"


def _clamp(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS + INTS)
    if name is None:
        return None
    low, high = draw(st.sampled_from(((1, None), (None, 2), (0, 1), (2, 1))))
    given = "".join(f", {key}: {v}" for key, v in (("min", low), ("max", high)) if v is not None)
    return write(draw, world, "clamp", name, world.tensors[name].clamp(low, high), given)


def _fill(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS + INTS + (torch.bool, torch.uint16, torch.float8_e5m2))
    if name is None:
        return None
    tensor = world.tensors[name]
    chosen = index_text(draw, tensor.shape)
    value = draw(st.sampled_from((0, 1)))
    if 0 < tensor.numel() < 30 and draw(st.booleans()):
        numbers = (torch.arange(tensor.numel()) % 2).view(tensor.shape)
        return write(
            draw, world, "fill", name, numbers.to(tensor.dtype), f", mode: tensor, values: {numbers.tolist()}"
        )
    if chosen is not None and draw(st.booleans()):
        tensor = tensor.clone()
        part = tensor[chosen[1]]
        tensor[chosen[1]] = torch.full(part.shape, value).to(tensor.dtype)
        world.tensors[name] = tensor
        return f"fill_: target: '{name}::{chosen[0]}', value: {value}"
    filled = torch.full(tensor.shape, value).to(tensor.dtype)
    return write(draw, world, "fill", name, filled, f", mode: constant, value: {value}")


def _reshape(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    shape = draw(st.sampled_from(([-1], [1, -1], [tensor.numel(), 1], list(tensor.shape)[::-1])))
    if -1 in shape and not tensor.numel():
        return None
    return write(draw, world, "reshape", name, tensor.reshape(shape), f", shape: {shape}")


def _permute(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    order = draw(st.permutations(range(tensor.dim())))
    permuted = tensor.permute(order).contiguous()
    return write(draw, world, "permute", name, permuted, f", order: {list(order)}")


def _transpose(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    if tensor.dim() < 2:
        return None
    a, b = (draw(st.integers(-tensor.dim(), tensor.dim() - 1)) for _ in range(2))
    return write(
        draw, world, "transpose", name, tensor.transpose(a, b).contiguous(), f", dim0: {a}, dim1: {b}"
    )


def _split(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    wide = [dim for dim, size in enumerate(tensor.shape) if size > 1]
    if not wide:
        return None
    dim = draw(st.sampled_from(wide))
    first = draw(st.integers(1, tensor.shape[dim] - 1))
    sizes = [first, tensor.shape[dim] - first]
    names = [world.new_name(), world.new_name()]
    for to, part in zip(names, tensor.split(sizes, dim), strict=True):
        world.tensors[to] = part.contiguous()
    how = "chunks: 2" if sizes[0] == sizes[1] and draw(st.booleans()) else f"sizes: {sizes}"
    return f"split: from: {name}, to: [{', '.join(names)}], {how}, dim: {dim}"


def _concat(draw: Draw, world: World) -> str | None:
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    if not tensor.dim():
        return None
    dim = draw(st.integers(-tensor.dim(), tensor.dim() - 1))
    others = [
        n for n, t in world.tensors.items()
        if t.dtype == tensor.dtype and t.dim() == tensor.dim() and _agree(t.shape, tensor.shape, dim)
    ]  # fmt: skip
    parts = [name, *draw(st.lists(st.sampled_from(others), min_size=1, max_size=2))]
    if sum(world.tensors[each].numel() for each in parts) > 400:
        return None
    to = world.new_name()
    world.tensors[to] = torch.cat([world.tensors[each] for each in parts], dim)
    return f"concat: from: [{', '.join(parts)}], to: {to}, dim: {dim}"


def _agree(a: torch.Size, b: torch.Size, dim: int) -> bool:
    at = dim % len(a)
    return all(m == n for i, (m, n) in enumerate(zip(a, b, strict=True)) if i != at)


def _create(draw: Draw, world: World) -> str | None:
    shape = draw(st.sampled_from(([2, 3], [6], [], [0, 3])))
    dtype = draw(st.sampled_from(EVERY))
    name, kind = world.new_name(), draw(st.sampled_from(("zeroes", "ones")))
    value = 0 if kind == "zeroes" else 1
    world.tensors[name] = torch.full(shape, value).to(dtype)
    return f"{kind}: target: {name}, shape: {shape}, dtype: {dtype_name(dtype)}"


MAKERS = (
    _copy, _copy_slice, _move, _delete, _assign, _assign_region, _arithmetic, _arithmetic_, _scale,
    _scale_region, _cast, _clamp, _fill, _reshape, _permute, _transpose, _split, _concat, _create,
)  # fmt: skip
"""Each draws one step that torch can do, does it with torch, and returns its line; ``None`` if it cannot."""
