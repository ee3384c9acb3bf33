"""What the operators and functions of expressions do with lazy tensors: one dtype, no silent broadcasting.

Values are parts (tensors that may still be fused) or numbers, which fold as in Python and stand beside a
tensor as scalars do in torch. Comparisons give conditions, which only ``where`` takes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph import numbers
from brainsurgery_shell.graph.build import bound, broadcast_shape, full, permute, require_number, resolve_dim
from brainsurgery_shell.graph.cast import cast as cast_tensor
from brainsurgery_shell.graph.dtypes import BY_NAME, DType
from brainsurgery_shell.graph.elementary import clamped, powered
from brainsurgery_shell.graph.fuse import Part, expanded, leaf, part_of
from brainsurgery_shell.graph.matmul import matmul
from brainsurgery_shell.graph.numbers import Number
from brainsurgery_shell.graph.reduce import ReductionName, reduce
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch

Value: TypeAlias = Part | Number
Options: TypeAlias = Mapping[str, Any]

_BOOL = BY_NAME["bool"]
_WIDEST = {"int": BY_NAME["int64"]}
_BINARY: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": powered,
}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_CURVES = ("sqrt", "exp", "log")
_IN_FLOATS = "compute in floats: dtype: float32"


class Mask(Part):
    """An operand of booleans: a condition, or cast to numbers where the dtype to compute in was given."""

    __slots__ = ()


class Algebra:
    """Applies operators and functions to values of one dtype; ``casts`` says that operands are cast to it."""

    def __init__(self, dtype: DType, *, casts: bool, broadcast: bool) -> None:
        if not dtype.arithmetic:
            hint = (
                "float32 is one to compute in"
                if casts
                else "say what to compute in (dtype: float32), or cast_"
            )
            fail(f"{dtype} is a dtype to store, not to compute with", hint=hint)
        self.dtype = dtype
        self.casts = casts
        self.broadcast = broadcast

    def converted(self, tensor: LazyTensor, name: str) -> LazyTensor:
        """A tensor, in the dtype computed in; ``name`` is for the warning about overflow."""
        if tensor.dtype is _BOOL:
            return tensor
        return cast_tensor(tensor, self.dtype, name=name, counted=True)

    def operand(self, tensor: LazyTensor) -> Value:
        """A converted tensor, as expressions compute with it."""
        return Mask(tensor.shape, _BOOL, tensor=tensor) if tensor.dtype is _BOOL else leaf(tensor)

    def result(self, value: Value) -> Part:
        """What an expression stands for."""
        return self._as_part(value, "the result")

    def apply(self, name: str, values: Sequence[Value], options: Options) -> Value:
        """The value of a function or operator.

        Raises:
            StepError: shapes, dtypes or kinds of values do not fit.
        """
        if name == "where":
            return self._where(*values)
        values = [self._numeric(each, name) if isinstance(each, Part) else each for each in values]
        if not any(isinstance(each, Part) for each in values):
            return numbers.apply(name, cast("list[Number]", values))
        if name in _COMPARISONS:
            return self._comparison(name, *values)
        if len(values) == 2 and name in _BINARY:
            return self._binary(name, *values)
        if name in ("minimum", "maximum"):
            a, b = self._meet([self._as_part(each, name) for each in values])
            self._ordered(name)
            return part_of(partial(_of_torch, name), a, b)
        if name == "@":
            return self._product(*values)
        source, extras = values[0], values[1:]
        if not isinstance(source, Part) or any(isinstance(each, Part) for each in extras):
            fail(f"{name} takes a tensor, and numbers after it" if extras else f"{name} takes a tensor")
        return self._of_one(name, source, cast("tuple[Number, ...]", extras), options)

    def _of_one(self, name: str, source: Part, extras: tuple[Number, ...], options: Options) -> Value:
        if name == "-":
            return part_of(operator.neg, source)
        if name == "clamp":
            return self._clamp(source, {**dict(zip(("min", "max"), extras, strict=False)), **options})
        if name == "transpose":
            return self._transpose(source, {**dict(zip(("dim0", "dim1"), extras, strict=False)), **options})
        if name in ("sum", "mean", "norm"):
            return self._reduce(name, source, {**dict(zip(("dim",), extras, strict=False)), **options})
        if name in _CURVES:
            self._floats(name)
        else:
            self._ordered(name)
        return part_of(partial(_of_torch, name), source)

    def _binary(self, sign: str, a: Value, b: Value) -> Value:
        if sign == "/":
            self._floats("a division")
        function = _BINARY[sign]
        if not isinstance(a, Part):
            return part_of(partial(_number_left, function, self._scalar(a)), cast(Part, b))
        if isinstance(b, Part):
            return part_of(function, *self._meet([a, b]))
        if sign == "**" and self.dtype.cls == "int" and b < 0:
            fail(f"{self.dtype} has no negative powers", hint=_IN_FLOATS)
        return part_of(bound(function, self._scalar(b)), a)

    def _comparison(self, sign: str, a: Value, b: Value) -> Value:
        if sign not in ("==", "!="):
            self._ordered(sign)
        function = _COMPARISONS[sign]
        if not isinstance(a, Part):
            return part_of(
                partial(_number_left, function, self._fitting(a, sign)), cast(Part, b), dtype=_BOOL
            )
        if isinstance(b, Part):
            return part_of(function, *self._meet([a, b]), dtype=_BOOL)
        return part_of(bound(function, self._fitting(b, sign)), a, dtype=_BOOL)

    def _where(self, condition: Value, a: Value, b: Value) -> Value:
        if not isinstance(condition, Part) or condition.dtype is not _BOOL:
            fail("where takes a condition first: a comparison, or a tensor of booleans")
        parts = self._meet([condition, *(self._as_part(each, "where") for each in (a, b))])
        return part_of(partial(_of_torch, "where"), *parts, dtype=self.dtype)

    def _product(self, a: Value, b: Value) -> Value:
        if not (isinstance(a, Part) and isinstance(b, Part)):
            fail("@ takes two tensors", hint="a number scales with *")
        result = matmul(a.seal(), b.seal(), broadcast=self.broadcast)
        return leaf(result, broadcasts=result.rank == 0)

    def _clamp(self, source: Part, options: Options) -> Value:
        self._ordered("clamp")
        if not options:
            fail("clamp needs min, max or both")
        low, high = (options.get(each) for each in ("min", "max"))
        limits = [None if each is None else self._fitting(each, "clamp") for each in (low, high)]
        return part_of(bound(clamped, *limits), source)

    def _transpose(self, source: Part, options: Options) -> Value:
        rank = len(source.shape)
        if rank < 2:
            fail(f"shape {list(source.shape)} has no two dims to swap")
        order = list(range(rank))
        a, b = (resolve_dim(_whole(options.get(f"dim{i}", i - 2), "transpose"), rank) for i in (0, 1))
        order[a], order[b] = order[b], order[a]
        return leaf(permute(source.seal(), order), broadcasts=source.broadcasts)

    def _reduce(self, name: str, source: Part, options: Options) -> Value:
        if name != "sum":
            self._floats(name)
        if name == "norm":
            self._ordered(name)
        dim, keepdim = options.get("dim"), bool(options.get("keepdim"))
        dims = None if dim is None else dim if isinstance(dim, tuple) else (_whole(dim, name),)
        result = reduce(source.seal(), cast(ReductionName, name), dims, keepdim=keepdim)
        return leaf(result, broadcasts=keepdim or not result.shape)

    def _meet(self, parts: list[Part]) -> list[Part]:
        """The parts in one shape."""
        rigid = [each.shape for each in parts if not each.broadcasts]
        if not self.broadcast:
            for shape in rigid[1:]:
                if shape != rigid[0]:
                    fail(
                        f"shapes differ: {list(rigid[0])} and {list(shape)}",
                        hint="broadcast: true asks for broadcasting",
                    )
        target = parts[0].shape
        for each in parts[1:]:
            target = broadcast_shape(target, each.shape)
        if rigid and not self.broadcast and target != rigid[0]:
            fail(
                f"a result of shape {list(target)} does not fit {list(rigid[0])}",
                hint="broadcast: true asks for broadcasting",
            )
        return [expanded(each, target) for each in parts]

    def _numeric(self, part: Part, name: str) -> Part:
        if isinstance(part, Mask) and self.casts:
            return leaf(cast_tensor(part.seal(), self.dtype))
        if part.dtype is _BOOL:
            fail(
                f"{_shown(name)} takes numbers, and this is a condition",
                hint="where(condition, 1, 0) makes numbers of it",
            )
        return part

    def _as_part(self, value: Value, name: str) -> Part:
        """A number as a tensor of rank 0, for functions of torch that take tensors only."""
        if isinstance(value, Part):
            return self._numeric(value, name)
        return leaf(full((), self.dtype, self._fitting(value, name)), broadcasts=True)

    def _scalar(self, value: Number) -> Number:
        """A number beside a tensor, as torch takes it: whole numbers wrap, floats become infinite."""
        return self._checked(value, _WIDEST.get(self.dtype.cls, BY_NAME["float64"]), "the number")

    def _fitting(self, value: Number, name: str) -> Number:
        """A number that has to be one of the dtype's."""
        return self._checked(value, self.dtype, _shown(name))

    def _checked(self, value: Number, dtype: DType, what: str) -> Number:
        if self.dtype.cls == "int" and not isinstance(value, int):
            fail(f"{what}: {value} is no whole number, and the tensors are {self.dtype}", hint=_IN_FLOATS)
        return require_number(value, dtype, what)

    def _floats(self, name: str) -> None:
        if self.dtype.cls == "int":
            fail(f"{_shown(name)} of {self.dtype} gives no whole numbers", hint=_IN_FLOATS)

    def _ordered(self, name: str) -> None:
        if self.dtype.cls == "complex":
            fail(f"{_shown(name)} does not take complex numbers")


def _whole(value: object, name: str) -> int:
    if type(value) is not int:
        fail(f"{name}: a dim is a whole number, not {value}")
    return value


def _shown(name: str) -> str:
    return name if name[0].isalpha() else f"'{name}'"


def _number_left(function: Callable[..., torch.Tensor], number: Number, tensor: torch.Tensor) -> torch.Tensor:
    return function(number, tensor)


def _of_torch(name: str, *tensors: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = getattr(load_torch(), name)(*tensors)
    return result
