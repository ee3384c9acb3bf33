"""Expressions that read data of one side: ``iszero``, ``finite``, ``range``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from brainsurgery_shell.assertions.declare import OF, Undecided, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Number
from brainsurgery_shell.declaration.operation import EPS, Parameter
from brainsurgery_shell.errors import fail
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.workspace.matching import find

if TYPE_CHECKING:
    import torch


def _each(
    context: Context, of: Reference, expected: str, wrong: Callable[[torch.Tensor], torch.Tensor]
) -> str | None:
    """Look for elements that are wrong in all that ``of`` matches."""
    from brainsurgery_shell.graph.compare import violation

    found = find(context.workspace, of)
    for name, tensor in zip(found.names, found.tensors, strict=True):
        if tensor.dtype.packed:
            fail(f"{name}: {tensor.dtype} has no values that torch can read")
    if context.checking:
        raise Undecided
    context.reading(match.selected() for match in found)
    problems = []
    for name, tensor in zip(found.names, found.selected(), strict=True):
        bad = violation(tensor, wrong, expected, context.evaluator)
        if bad is not None:
            problems.append(
                f"{name} has {bad.found} at {list(bad.index)} ({bad.count} of {tensor.numel} values)"
            )
    if not problems:
        return None
    more = f"; … and {len(problems) - 5} more" if len(problems) > 5 else ""
    return f"expected {expected}, found: {'; '.join(problems[:5])}{more}"


@expression(
    "iszero",
    OF,
    EPS,
    examples=("assert: iszero: '.*\\.bias'", "assert: iszero: { of: delta, eps: 1e-6 }"),
)
def iszero(context: Context, of: Reference, eps: float) -> str | None:
    """Every value is zero, or within eps of it."""
    from brainsurgery_shell.graph.compare import not_zero

    return _each(context, of, "zeroes" if not eps else f"values within {eps} of zero", not_zero(eps))


@expression("finite", OF, examples=("assert: finite: '.*'",))
def finite(context: Context, of: Reference) -> str | None:
    """No value is NaN or infinite."""
    from brainsurgery_shell.graph.compare import not_finite

    return _each(context, of, "finite values", not_finite)


@expression(
    "range",
    OF,
    Parameter("ge", Number(), "least value", required=False),
    Parameter("le", Number(), "greatest value", required=False),
    examples=("assert: range: { of: '.*\\.weight', ge: -1, le: 1 }",),
)
def range_(context: Context, of: Reference, ge: float | None, le: float | None) -> str | None:
    """Every value lies within the bounds, which are included; NaN does not."""
    from brainsurgery_shell.graph.compare import outside

    bounds = [f"{sign} {bound}" for sign, bound in (("≥", ge), ("≤", le)) if bound is not None]
    if not bounds:
        fail("range needs ge, le or both")
    found = find(context.workspace, of)
    for name, tensor in zip(found.names, found.tensors, strict=True):
        if tensor.dtype.cls == "complex":
            fail(f"{name}: complex numbers have no order")
    return _each(context, of, f"values {' and '.join(bounds)}", outside(ge, le))
