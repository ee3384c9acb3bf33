"""Expressions about two sides: ``equal``, ``same``."""

from __future__ import annotations

from brainsurgery_shell.assertions.declare import Undecided, expression
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.operation import EPS, Parameter
from brainsurgery_shell.declaration.references import Names, Tensors
from brainsurgery_shell.errors import listed
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.workspace.matching import fill_all, find
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
    others = fill_all(context.workspace, right, found)
    problems = []
    undecided = False
    pairs = list(zip(found.selected(), others.selected(), strict=True))
    if not context.checking:
        context.reading(each for pair in pairs for each in pair)
    for at, (a, b) in enumerate(pairs):
        if context.checking and a.shape == b.shape and a.dtype is b.dtype:
            undecided = True
            continue
        how = describe_difference(a, b, eps, context.evaluator)
        if how is not None:
            names = f"{found.alias}::{found.names[at]} and {others.alias}::{others.names[at]}"
            problems.append(f"{names}: {how}")
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
    pairing = pair_up(context.workspace, left, right, both=True)
    problems = []
    if pairing.missing_left:
        problems.append(f"missing on left: {listed(pairing.missing_left)}")
    if pairing.missing_right:
        problems.append(f"missing on right: {listed(pairing.missing_right)}")
    for name, a, b in pairing.selected():
        if a.shape != b.shape or a.dtype is not b.dtype:
            problems.append(f"{name}: {a.dtype} {list(a.shape)} and {b.dtype} {list(b.shape)}")
    if not problems:
        return None
    more = f"; … and {len(problems) - 5} more" if len(problems) > 5 else ""
    return f"expected the same tensors, found: {'; '.join(problems[:5])}{more}"
