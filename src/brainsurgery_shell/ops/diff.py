"""``diff``."""

from __future__ import annotations

from dataclasses import dataclass, field

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.kinds import Choice, Integer
from brainsurgery_shell.declaration.operation import EPS, EXCEPT, WHERE, Parameter, operation
from brainsurgery_shell.declaration.references import Tensors
from brainsurgery_shell.errors import CheckFailed, fail
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.ops.prefixes import ALIAS
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.matching import Selection, Where, everything
from brainsurgery_shell.workspace.pairs import Pairing, describe_difference, pair_up


@dataclass(slots=True)
class _Found:
    missing_left: list[str] = field(default_factory=list)
    missing_right: list[str] = field(default_factory=list)
    differing: list[tuple[str, str]] = field(default_factory=list)
    same: int = 0


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
    EXCEPT,
    WHERE,
    Parameter("expect", Integer(0), "how many differences there must be", required=False),
    examples=(
        "diff: left: 'a::.*', right: 'b::.*'",
        "diff: mode: aliases, left_alias: a, right_alias: b, expect: 0",
    ),
    inspects=True,
    reads=True,
    counts=False,
)
def diff(
    context: Context,
    left: Reference | None,
    right: Reference | None,
    eps: float,
    mode: str,
    left_alias: str | None,
    right_alias: str | None,
    except_: Reference | None,
    where: Where | None,
    expect: int | None,
) -> Report:
    """Compare tensors: what is missing on the left, missing on the right, and what differs."""
    if mode == "aliases" or (left is None and right is None and left_alias and right_alias):
        if left_alias is None or right_alias is None or left is not None or right is not None:
            fail("diff: mode: aliases takes left_alias and right_alias")
        left, right = (everything(context.workspace.alias(each)) for each in (left_alias, right_alias))
    elif left is None or right is None or left_alias is not None or right_alias is not None:
        fail("diff takes left and right", hint="or mode: aliases, left_alias: …, right_alias: …")
    pairing = pair_up(context.workspace, left, right, Selection(except_, where, None))
    if context.checking:
        return Report([])
    found = _compare(context, pairing, eps)
    total = len(found.missing_left) + len(found.missing_right) + len(found.differing)
    lines = _lines(found)
    if expect is not None and total != expect:
        raise CheckFailed(f"expected {expect} differences, found {total}\n" + "\n".join(_lines(found, 5)))
    data = {
        "missing_left": found.missing_left,
        "missing_right": found.missing_right,
        "differing": [name for name, _ in found.differing],
        "same": found.same,
    }
    return Report(lines, data, total)


def _compare(context: Context, pairing: Pairing, eps: float) -> _Found:
    found = _Found(pairing.missing_left, pairing.missing_right)
    context.reading(each for _, *pair in pairing.selected() for each in pair)
    for name, left, right in pairing.selected():
        how = describe_difference(left, right, eps, context.evaluator)
        if how is None:
            found.same += 1
        else:
            found.differing.append((name, how))
    return found


def _lines(found: _Found, limit: int | None = None) -> list[str]:
    lines: list[str] = []
    sections = (
        ("missing on left", found.missing_left),
        ("missing on right", found.missing_right),
        ("differing", [f"{name}: {how}" for name, how in found.differing]),
    )
    for title, names in sections:
        lines.append(f"{title}: {len(names)}")
        lines += [f"  {name}" for name in names[:limit]]
        if limit is not None and len(names) > limit:
            lines.append(f"  … and {len(names) - limit} more")
    lines.append(f"equal: {found.same}")
    return lines
