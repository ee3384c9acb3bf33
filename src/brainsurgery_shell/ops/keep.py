"""``keep_`` and ``drop_``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.families import TARGET, computed_each
from brainsurgery_shell.declaration.kinds import Integer, Kind
from brainsurgery_shell.declaration.operation import Parameter, operation
from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.build import resolve_dim
from brainsurgery_shell.graph.pick import pick
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.slices import Range, parse_slice
from brainsurgery_shell.lang.tree import Node, Scalar
from brainsurgery_shell.lang.tree import Sequence as ListNode
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.matching import Selection, find
from brainsurgery_shell.workspace.writes import Destinations, Must, Writes

Runs = list[tuple[int, int]]
"""Positions as (start, stop), in order."""


@dataclass(frozen=True)
class Positions(Kind):
    """Positions along a dim: whole numbers and ranges as in Python."""

    words: str = "a list of whole numbers and ranges a:b"

    def accept(self, node: Node) -> list[int | Range]:
        """Every item."""
        if not isinstance(node, ListNode) or not node.items:
            hint = f"in brackets: [{node.value}]" if isinstance(node, Scalar) else None
            self.reject(node, hint=hint)
        return [self._item(each) for each in node.items]

    def _item(self, node: Node) -> int | Range:
        if isinstance(node, Scalar) and type(node.value) is int:
            return node.value
        read = (
            parse_slice(f"[{node.value}]") if isinstance(node, Scalar) and type(node.value) is str else None
        )
        if read is None or len(read.items) != 1 or not isinstance(read.items[0], int | Range):
            fail(f"expected a whole number or a range a:b, found {_shown(node)}", span=node.span)
        item = read.items[0]
        if isinstance(item, Range) and item.step is not None and item.step < 1:
            fail(f"the step of {item} is no whole number from 1 up", span=node.span)
        return item

    def schema(self) -> dict[str, Any]:
        """A list."""
        return {"type": "array", "items": {"type": ["integer", "string"]}}


def _shown(node: Node) -> str:
    return repr(node.value) if isinstance(node, Scalar) else "a list or map"


PARAMETERS = (
    TARGET,
    Parameter("dim", Integer(), "the dim that shrinks"),
    Parameter("ranges", Positions(), "positions along it", required=False),
    Parameter("groups", Integer(1), "or: see it as so many equal groups", required=False),
    Parameter("items", Positions(), "and choose among these", required=False),
)


@operation(
    "keep_",
    *PARAMETERS,
    examples=("keep_: target: wte, dim: 0, ranges: [0:32000]",),
    selects=True,
)
def keep_(context: Context, *, target: Reference, dim: int, selection: Selection, **chosen: Any) -> Edit:
    """Keep some positions of a dim, or some of its equal groups, and remove the others. In place."""
    return _cut(context, target, dim, _Choice(**chosen, drop=False), selection)


@operation(
    "drop_",
    *PARAMETERS,
    examples=(
        "drop_: target: 'h\\.\\d+\\.attn\\.q\\.weight', dim: 0, groups: 12, items: [5]",
        "drop_: target: wte, dim: 0, ranges: [100:200, -1]",
    ),
    selects=True,
)
def drop_(context: Context, *, target: Reference, dim: int, selection: Selection, **chosen: Any) -> Edit:
    """Remove some positions of a dim, or some of its equal groups (an attention head). In place."""
    return _cut(context, target, dim, _Choice(**chosen, drop=True), selection)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which positions of a dim were asked for."""

    ranges: list[int | Range] | None
    groups: int | None
    items: list[int | Range] | None
    drop: bool

    def check(self) -> None:
        """Fail unless it is said in one of the two ways."""
        grouped = self.groups is not None and self.items is not None
        if grouped == (self.ranges is not None) or (self.groups is None) != (self.items is None):
            fail("give either ranges, or groups with items")

    def runs(self, size: int, dim: int) -> Runs:
        """The positions that stay, of a dim of that size."""
        count, width = size, 1
        if self.groups is not None:
            if size % self.groups:
                fail(f"dim {dim} of size {size} does not divide into {self.groups} equal groups")
            count, width = self.groups, size // self.groups
        chosen = _merged(_positions(self.ranges or self.items or (), count, self.groups is not None))
        if self.drop:
            chosen = _others(chosen, count)
        if not chosen or not width:
            fail(f"nothing would be left of dim {dim} of size {size}")
        return [(start * width, stop * width) for start, stop in chosen]


def _positions(items: Sequence[int | Range], count: int, grouped: bool) -> Runs:
    what = "groups" if grouped else "positions"
    found: Runs = []
    for item in items:
        if isinstance(item, int):
            if not -count <= item < count:
                hint = f"expected {-count} to {count - 1}" if count else None
                fail(f"{item} is out of range: there are {count} {what}", hint=hint)
            found.append((item % count, item % count + 1))
            continue
        start, stop, step = slice(item.start, item.stop, item.step).indices(count)
        if start >= stop:
            fail(f"{item} selects nothing of {count} {what}")
        if step == 1:
            found.append((start, stop))
        else:
            found.extend((at, at + 1) for at in range(start, stop, step))
    return found


def _merged(runs: Runs) -> Runs:
    """In order; what touches or overlaps is one."""
    merged: Runs = []
    for start, stop in sorted(runs):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _others(runs: Runs, count: int) -> Runs:
    """The positions between the runs."""
    edges = [0, *(edge for run in runs for edge in run), count]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if start < stop]


def _cut(context: Context, target: Reference, dim: int, choice: _Choice, selection: Selection) -> Edit:
    choice.check()
    if target.slice is not None:
        fail(
            "this changes the shape of whole tensors: no slices",
            hint="dim, with ranges or groups, says what is meant",
            span=target.span,
        )
    found = find(context.workspace, target, selection)
    writes = Writes(context.workspace, len(found))
    runs = lru_cache(choice.runs)  # many tensors have few sizes

    def chosen(tensor: LazyTensor) -> LazyTensor:
        at = resolve_dim(dim, tensor.rank)
        return pick(tensor, at, runs(tensor.shape[at], at))

    results = computed_each(found.names.__getitem__, chosen, found.tensors)
    writes.put_all(
        Destinations(found.alias, found.names, None, target.span), results, Must.BE_ANY, found.names
    )
    return writes.edit()
