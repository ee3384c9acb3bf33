"""``diff``."""

from __future__ import annotations

from functools import partial
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.moments import Moment, Moments
from brainsurgery_shell.declaration.operation import EPS, EXCEPT, WHERE, Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import CheckFailed, fail
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.ops.prefixes import ALIAS
from brainsurgery_shell.views.page import PLAIN
from brainsurgery_shell.workspace.comparison import ORDERS, Comparison, Section
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.matching import Selection, Where, everything
from brainsurgery_shell.workspace.pairs import compare, pair_up
from brainsurgery_shell.workspace.states import changes

Pairs = list[tuple[str, LazyTensor, LazyTensor]]


@operation(
    "diff",
    Parameter("left", Tensors(), "one side", required=False),
    Parameter(
        "right",
        Tensors(),
        "the other; tensors pair by captures if there are any, else by name",
        required=False,
    ),
    EPS,
    Parameter("mode", Choice(("refs", "aliases")), "what to compare", required=False, default="refs"),
    Parameter("left_alias", ALIAS, "one side, with mode: aliases", required=False),
    Parameter("right_alias", ALIAS, "the other", required=False),
    Parameter("against", Moments(), "compare what is open now with what was open then", required=False),
    Parameter("target", Tensors(), "with against: which tensors; all if left out", required=False),
    EXCEPT,
    WHERE,
    Parameter("expect", Integer(0), "how many differences there must be", required=False),
    Parameter("sort", Choice(ORDERS), "the largest difference first, or by name", required=False),
    Parameter("limit", Integer(1), "show so many of each kind", required=False),
    Parameter("format", Choice(("table", "json")), "how", required=False, default="table"),
    examples=(
        "diff: left: 'a::.*', right: 'b::.*'",
        "diff: mode: aliases, left_alias: a, right_alias: b, expect: 0",
        "diff: left: 'a::.*', right: 'b::.*', sort: relative, limit: 10",
        "diff: against: before-merge",
    ),
    inspects=True,
    reads=True,
    counts=False,
)
def diff(
    context: Context,
    eps: float,
    against: Moment | None,
    target: Reference | None,
    except_: Reference | None,
    where: Where | None,
    expect: int | None,
    sort: str | None,
    limit: int | None,
    format_: str,
    **sides: Any,
) -> Report:
    """Compare tensors, or what is open with what was open: what is on one side only, and what differs."""
    selection = Selection(except_, where, None)
    if against is not None:
        if sides.pop("mode") != "refs" or any(side is not None for side in sides.values()):
            fail("diff: against compares with the past, left and right with one another", hint="give one")
        found, pairs = _since(context, against, target, selection)
    elif target is not None:
        fail("diff: target belongs to against", hint="diff: left: …, right: …, or against: MARK, target: …")
    else:
        found, pairs = _between(context, *_references(context, **sides), selection)
    if context.checking:
        return Report([])
    _compare(context, found, pairs, eps)
    if expect is not None and found.total != expect:
        lines = "\n".join(found.lines(5, PLAIN))
        raise CheckFailed(f"expected {expect} differences, found {found.total}\n{lines}")
    if sort is not None:
        found.sort(sort)
    data = found.data(limit)
    if format_ == "json":
        return Report.document(data, found.total)
    return Report.drawn(partial(found.lines, limit), data, found.total)


def _references(
    context: Context,
    mode: str,
    left: Reference | None,
    right: Reference | None,
    left_alias: str | None,
    right_alias: str | None,
) -> tuple[Reference, Reference]:
    if mode == "aliases" or (left is None and right is None and left_alias and right_alias):
        if left_alias is None or right_alias is None or left is not None or right is not None:
            fail("diff: mode: aliases takes left_alias and right_alias")
        aliases = (context.workspace.alias(each) for each in (left_alias, right_alias))
        left, right = map(everything, aliases)
        return left, right
    if left is None or right is None or left_alias is not None or right_alias is not None:
        fail(
            "diff takes left and right", hint="or mode: aliases, left_alias: …, right_alias: …; or against: …"
        )
    return left, right


def _between(
    context: Context, left: Reference, right: Reference, selection: Selection
) -> tuple[Comparison, Pairs]:
    pairing = pair_up(context.workspace, left, right, selection)
    sections = [
        Section("missing on left", "missing_left", pairing.missing_left),
        Section("missing on right", "missing_right", pairing.missing_right),
    ]
    return Comparison(sections), [] if context.checking else list(pairing.selected())


def _since(
    context: Context, against: Moment, target: Reference | None, selection: Selection
) -> tuple[Comparison, Pairs]:
    if context.checking:
        return Comparison([]), []
    found = changes(context.services.workspace_at(against), context.workspace, target, selection)
    sections = [
        Section("came", "came", found.came),
        Section("went", "went", found.went),
        Section(
            "renamed",
            "renamed",
            [f"{old} → {new}" for old, new in found.renamed],
            [{"from": old, "to": new} for old, new in found.renamed],
        ),
    ]
    return Comparison(sections, found.same, equal="unchanged"), found.pairs


def _compare(context: Context, found: Comparison, pairs: Pairs, eps: float) -> None:
    context.reading(each for _, *pair in pairs for each in pair)
    for name, left, right in pairs:
        how = compare(left, right, eps, context.evaluator, measured=True)
        if how is None:
            found.same += 1
        else:
            found.differing.append((name, how))
