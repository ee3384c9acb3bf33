"""Expressions about two sides: ``equal``, ``same``."""

from __future__ import annotations

from brainsurgery_shell.assertions.declare import Undecided, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import EPS, Parameter
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.errors import listed
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.matching import fill, find
from brainsurgery_shell.workspace.pairs import describe_difference, pair_up

LEFT = Parameter("left", Tensors(), "one side: matched")


@expression(
    "equal",
    LEFT,
    Parameter("right", Names("a template for existing names"), "the other, for each match"),
    EPS,
    examples=("assert: equal: { left: 'a::(.*)', right: 'b::\\1' }",),
)
def equal(context: Context, left: Reference, right: Template, eps: float) -> str | None:
    """Shapes, dtypes and values agree. NaN equals NaN."""
    found = find(context.workspace, left)
    found.check(right)
    pairs = [(match, fill(context.workspace, right, match)) for match in found]
    problems = []
    undecided = False
    for match, other in pairs:
        a, b = match.selected(), other.selected()
        if context.checking and a.shape == b.shape and a.dtype is b.dtype:
            undecided = True
            continue
        how = describe_difference(match, other, eps, context.evaluator)
        if how is not None:
            problems.append(f"{match.alias}::{match.name} and {other.alias}::{other.name}: {how}")
    if undecided and not problems:
        raise Undecided
    if not problems:
        return None
    more = f"; … and {len(problems) - 5} more" if len(problems) > 5 else ""
    return f"expected equal tensors, found: {'; '.join(problems[:5])}{more}"


@expression(
    "same",
    LEFT,
    Parameter("right", Tensors(), "the other: matched too, paired as in diff"),
    examples=("assert: same: { left: 'a::.*', right: 'b::.*' }",),
)
def same(context: Context, left: Reference, right: Reference) -> str | None:
    """Both sides have the same names, shapes and dtypes; values do not count."""
    for side in (left, right):
        find(context.workspace, side)
    pairing = pair_up(context.workspace, left, right)
    problems = []
    if pairing.missing_left:
        problems.append(f"missing on left: {listed(pairing.missing_left)}")
    if pairing.missing_right:
        problems.append(f"missing on right: {listed(pairing.missing_right)}")
    for match, other in pairing.pairs:
        a, b = match.selected(), other.selected()
        if a.shape != b.shape or a.dtype is not b.dtype:
            problems.append(f"{match.name}: {a.dtype} {list(a.shape)} and {b.dtype} {list(b.shape)}")
    if not problems:
        return None
    more = f"; … and {len(problems) - 5} more" if len(problems) > 5 else ""
    return f"expected the same tensors, found: {'; '.join(problems[:5])}{more}"
