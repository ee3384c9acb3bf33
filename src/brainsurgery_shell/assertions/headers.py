"""Expressions that headers decide: ``shape``, ``dimensions``, ``dtype``."""

from __future__ import annotations

from collections.abc import Callable

from brainsurgery_shell.assertions.declare import OF, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import DTypeKind, Integer, ShapeKind
from brainsurgery_shell.declaration.operation import Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor, Shape
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.matching import find


def _each(
    context: Context, of: Reference, expected: str, found: Callable[[LazyTensor], str | None]
) -> str | None:
    """Apply a check (which returns what it found instead) to all that ``of`` matches."""
    wrong = []
    matched = find(context.workspace, of)
    for name, tensor in zip(matched.names, matched.selected(), strict=True):
        other = found(tensor)
        if other is not None:
            wrong.append(f"{name} has {other}")
    if not wrong:
        return None
    more = f"; … and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return f"expected {expected}, found: {'; '.join(wrong[:5])}{more}"


@expression(
    "shape",
    OF,
    Parameter("is", ShapeKind("a shape", least=-1), "the shape; -1 stands for any size"),
    examples=("assert: shape: { of: 'wte', is: [50257, 768] }",),
)
def shape(context: Context, of: Reference, is_: Shape) -> str | None:
    """Every tensor has this shape."""

    def other(tensor: LazyTensor) -> str | None:
        fits = len(is_) == tensor.rank and all(
            want in (-1, size) for want, size in zip(is_, tensor.shape, strict=True)
        )
        return None if fits else f"shape {list(tensor.shape)}"

    return _each(context, of, f"shape {list(is_)}", other)


@expression(
    "dimensions",
    OF,
    *(
        Parameter(name, Integer(0), about, required=False)
        for name, about in (
            ("is", "exactly"),
            ("ge", "at least"),
            ("gt", "more than"),
            ("le", "at most"),
            ("lt", "fewer than"),
        )
    ),
    examples=("assert: dimensions: { of: '.*\\.weight', ge: 1, le: 2 }",),
)
def dimensions(
    context: Context,
    of: Reference,
    is_: int | None,
    ge: int | None,
    gt: int | None,
    le: int | None,
    lt: int | None,
) -> str | None:
    """Every tensor has so many dims."""
    bounds = [("", is_), ("≥ ", ge), ("> ", gt), ("≤ ", le), ("< ", lt)]
    given = [f"{sign}{bound}" for sign, bound in bounds if bound is not None]
    if not given:
        fail("dimensions needs is, ge, gt, le or lt")

    def other(tensor: LazyTensor) -> str | None:
        rank = tensor.rank
        holds = (
            (is_ is None or rank == is_)
            and (ge is None or rank >= ge)
            and (gt is None or rank > gt)
            and (le is None or rank <= le)
            and (lt is None or rank < lt)
        )
        return None if holds else f"{rank}"

    return _each(context, of, f"{' and '.join(given)} dims", other)


@expression(
    "dtype",
    OF,
    Parameter("is", DTypeKind(), "the dtype"),
    examples=("assert: dtype: { of: '.*', is: bfloat16 }",),
)
def dtype(context: Context, of: Reference, is_: DType) -> str | None:
    """Every tensor has this dtype."""
    return _each(
        context, of, f"dtype {is_}", lambda tensor: None if tensor.dtype is is_ else f"dtype {tensor.dtype}"
    )
