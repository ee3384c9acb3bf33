"""More random steps as lines and as torch calls: products, expressions, positions, numbers; and the choice of all."""

from __future__ import annotations

import eager
import torch
from eager import FLOATS, INTS, Draw, World, dtype_name, partner, pick
from eager_expressions import by_python
from hypothesis import strategies as st


def step(draw: Draw, world: World) -> None:
    """Draw one step that torch can do, do it with torch, and append its line."""
    while True:
        line = draw(st.sampled_from(MAKERS))(draw, world)
        if line is not None:
            world.lines.append(line)
            return


def _keep(draw: Draw, world: World) -> str | None:
    """Positions, or groups, of a dim: kept or dropped."""
    name = pick(draw, world)
    assert name is not None
    tensor = world.tensors[name]
    if not tensor.numel() or not tensor.dim():
        return None
    dim = draw(st.integers(-tensor.dim(), tensor.dim() - 1))
    size = tensor.shape[dim]
    groups = draw(st.sampled_from([each for each in range(1, size + 1) if size % each == 0]))
    chosen = draw(st.sets(st.integers(0, groups - 1), min_size=1))
    word = draw(st.sampled_from(("keep_", "drop_")))
    stays = [at for at in range(groups) if (at in chosen) == (word == "keep_")]
    if not stays:
        return None
    width = size // groups
    world.tensors[name] = torch.cat([tensor.narrow(dim, at * width, width) for at in stays], dim)
    items = [draw(st.sampled_from((at, at - groups, f"{at}:{at + 1}"))) for at in chosen]
    listed = f"[{', '.join(map(str, items))}]"
    how = f"ranges: {listed}" if width == 1 and draw(st.booleans()) else f"groups: {groups}, items: {listed}"
    return f"{word}: target: {name}, dim: {dim}, {how}"


def _matmul(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS + INTS)
    if name is None or not world.tensors[name].dim():
        return None
    a = world.tensors[name]
    others = [
        each for each, b in world.tensors.items()
        if b.dtype == a.dtype and 0 < b.dim() <= 2 and b.shape[0] == a.shape[-1]
    ]  # fmt: skip
    if not others:
        return None
    other = draw(st.sampled_from(others))
    b = world.tensors[other]
    if not _rounds(a.double().abs() @ b.double().abs(), a.dtype):
        return None
    to = world.new_name()
    world.tensors[to] = a @ b
    world.rounded.add(to)
    broadcast = ", broadcast: true" if a.dim() > 2 else ""
    return f"matmul: from_a: {name}, from_b: {other}, to: {to}{broadcast}"


def _dot(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS + INTS)
    other = partner(draw, world, world.tensors[name]) if name is not None else None
    if name is None or other is None:
        return None
    a, b = world.tensors[name].flatten(), world.tensors[other].flatten()
    if not _rounds((a.double() * b.double()).abs().sum(), a.dtype):
        return None
    to = world.new_name()
    world.tensors[to] = torch.dot(a, b)
    world.rounded.add(to)
    return f"dot: from_a: {name}, from_b: {other}, to: {to}"


def _rounds(sizes: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether results of sums of this size only round: whether none overflows or is none."""
    return not dtype.is_floating_point or bool((sizes < torch.finfo(dtype).max / 4).all())


def within_rounding(actual: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether two sums of a few small numbers agree."""
    if not expected.is_floating_point():
        return torch.equal(actual, expected)
    if not expected.numel():
        return actual.shape == expected.shape
    far = (actual.double() - expected.double()).abs().max()
    return bool(far <= 100 * torch.finfo(expected.dtype).eps * max(1.0, expected.double().abs().max().item()))


_OF_FLOATS = (
    "x + 0.4 * (y - x)", "where(x < y, x, 2 * y)", "-x ** 2 + 1.1 - y", "abs(x) / (abs(y) + 1)", "exp(-abs(x)) - y",
    "clamp(x, -1, max=1) * y", "sqrt(minimum(abs(x), 2)) - log(abs(y))", "sign(x) * maximum(x, y)", "1 / x - y / 3",
)  # fmt: skip
_OF_WHOLE = (
    "x * 2 - y",
    "maximum(x, y) + 1",
    "where(x == y, 0, x)",
    "-x + y ** 2",
    "clamp(x, 0, 3) * sign(y)",
)


def _compute(draw: Draw, world: World) -> str | None:
    name = pick(draw, world, FLOATS + INTS)
    other = partner(draw, world, world.tensors[name]) if name is not None else None
    if name is None or other is None:
        return None
    operands = {"x": world.tensors[name], "y": world.tensors[other]}
    dtype = operands["x"].dtype
    text = draw(st.sampled_from(_OF_FLOATS if dtype.is_floating_point else _OF_WHOLE))
    words = ""
    if dtype.is_floating_point and draw(st.booleans()):
        wide = draw(st.sampled_from(FLOATS))
        operands = {each: tensor.to(wide) for each, tensor in operands.items()}
        words = f", dtype: {dtype_name(wide)}"
    to = draw(st.sampled_from((name, other, None))) or world.new_name()
    world.tensors[to] = by_python(text, operands).to(dtype)
    return f"compute: to: {to}, let: {{ x: {name}, y: {other} }}, expr: '{text}'{words}"


def _renumber(draw: Draw, world: World) -> str | None:
    numbers = sorted(int(name.split(".")[1]) for name in world.tensors if name.startswith("r."))
    if not numbers:
        return None
    start = draw(st.integers(0, 1))
    new = {f"r.{number}": f"r.{start + place}" for place, number in enumerate(numbers)}
    world.tensors = {new.get(name, name): tensor for name, tensor in world.tensors.items()}
    return f"renumber: target: [r, $i], start: {start}"


MAKERS = (*eager.MAKERS, _keep, _matmul, _dot, _compute, _renumber)
