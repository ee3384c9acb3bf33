"""What must be complete before a tensor can be streamed, in which order, and how long it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from brainsurgery_shell.graph.results import Result
from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch


MOST_BLOCKS = 2
"""Results made in blocks that are computed side by side, a block of each in memory; others are completed."""

SMALL_GRAPH = 32
"""Tensors of a graph that cannot hold more pieces at once than there is room for."""

Find = Callable[[LazyTensor], "Result | None"]


class Block(NamedTuple):
    """Elements ``start`` to ``stop`` of a result that is made in blocks."""

    start: int
    stop: int
    values: torch.Tensor


@dataclass(slots=True)
class Schedule:
    """How one tensor is evaluated."""

    complete: list[LazyTensor]
    """Tensors to materialise, each after those it needs."""
    uses: dict[LazyTensor, int]
    """How many inputs of kernels a computed tensor is."""
    last_used: dict[int, list[LazyTensor]]
    """Which materialised tensors are needed no more after the one at an index of ``complete``."""
    dear: list[LazyTensor] = field(default_factory=list)
    """What is better kept if other outputs want it too."""
    results: dict[LazyTensor, Result] = field(default_factory=dict)
    """What is materialised now."""
    blocks: dict[LazyTensor, Block] = field(default_factory=dict)
    """The last block of each result that is made in blocks."""
    pieces: int = 1
    """How many pieces, more or less, are in memory while one is made; of a small graph: one."""

    @property
    def shareable(self) -> list[LazyTensor]:
        """What other outputs might use as well: what is materialised, and what is dear."""
        return list(dict.fromkeys([*self.complete, *self.dear]))


def plan_schedule(
    target: LazyTensor,
    kept: Find = lambda node: None,
    shared: Callable[[LazyTensor], bool] = lambda node: False,
) -> Schedule:
    """Walk the graph below ``target`` (without recursion) and decide what is materialised.

    Materialised are computed inputs that must be complete, results that are made at once, and computed
    tensors that several kernels read where one of them reads other ranges: without that, repeated edits of
    regions would evaluate the same elements exponentially often. So are results made in blocks or dear ones
    that are read more than once, also by other outputs (which ``shared`` knows). What ``kept`` finds is there
    already: nothing below it is needed.
    """
    kernel = target.kernel
    if kernel is None or (streams(target) and all(each.kernel is None for each in kernel.inputs)):
        return Schedule([], {}, {})  # the usual case, and there may be 100,000 of it
    held: dict[LazyTensor, Result] = {}
    order = _post_order(target, kept, held)
    if target in held:
        return Schedule([], {}, {}, results=held)
    made = [node for node in order if node.kernel is not None and node not in held]
    uses, complete = _needed_complete(made)
    side_by_side, dear = 0, []
    for node in made:
        is_dear = _dear(node)
        if is_dear:
            dear.append(node)
        if node in complete or not (is_dear or _block(node)):
            continue
        side_by_side += 1
        if uses.get(node, 0) > 1 or side_by_side > MOST_BLOCKS or (is_dear and shared(node)):
            complete.add(node)
    ordered = [node for node in made if node in complete]
    last = _last_uses(ordered, complete | held.keys(), target)
    return Schedule(ordered, uses, last, dear, held, pieces=_pieces_at_once(order, made))


def _pieces_at_once(order: Sequence[LazyTensor], made: Sequence[LazyTensor]) -> int:
    """The most pieces that wait at the same time: arguments for others, and what will be asked for again.

    An argument waits until the last of its kernel's inputs is there, which may take the whole graph: a sum
    that was built up from the right holds as many as it has terms.
    """
    if len(order) <= SMALL_GRAPH:
        return 1
    at = {node: place for place, node in enumerate(order)}
    waiting = [0] * (len(order) + 1)
    for node in made:
        first, end = 0, at[node]
        for each in node.kernel.inputs if node.kernel is not None else ():
            first = max(first, at[each])
            waiting[first] += 1
            waiting[end] -= 1
            if each.kernel is not None and first > at[each]:  # made before, and kept until now
                waiting[at[each]] += 1
                waiting[first] -= 1
    return max(1, *accumulate(waiting))


def _needed_complete(made: list[LazyTensor]) -> tuple[dict[LazyTensor, int], set[LazyTensor]]:
    """How often each tensor is read by those that are ``made``, and which must be complete for them."""
    uses: dict[LazyTensor, int] = {}
    moved: set[LazyTensor] = set()
    complete: set[LazyTensor] = set()
    for node in made:
        kernel = node.kernel
        if kernel is None:
            continue
        if kernel.whole_result:
            complete.add(node)
        for each in kernel.inputs:
            uses[each] = uses.get(each, 0) + 1
            if each.kernel is not None and kernel.whole_inputs:
                complete.add(each)
            if kernel.changes_ranges:
                moved.add(each)
    return uses, complete | {node for node in moved if uses[node] > 1 and node.kernel is not None}


def _dear(node: LazyTensor) -> bool:
    return node.kernel is not None and (node.kernel.dear or node.kernel.costly or node.kernel.whole_result)


def _block(node: LazyTensor) -> int:
    return node.kernel.block(node) if node.kernel is not None else 0


def streams(tensor: LazyTensor) -> bool:
    """Whether any range of a tensor can be made from ranges of its inputs, and need not be kept."""
    return tensor.kernel is None or not (tensor.kernel.whole_inputs or _dear(tensor) or _block(tensor))


def _post_order(
    target: LazyTensor,
    kept: Find,
    held: dict[LazyTensor, Result],
) -> list[LazyTensor]:
    order: list[LazyTensor] = []
    seen: set[LazyTensor] = set()
    stack: list[tuple[LazyTensor, bool]] = [(target, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
            continue
        if node in seen:
            continue
        seen.add(node)
        stack.append((node, True))
        if node.kernel is None:
            continue
        result = kept(node)
        if result is not None:
            held[node] = result
        else:
            stack.extend((each, False) for each in reversed(node.kernel.inputs))
    return order


def _last_uses(
    ordered: list[LazyTensor], complete: set[LazyTensor], target: LazyTensor
) -> dict[int, list[LazyTensor]]:
    """For each materialised tensor the index after which nobody needs it; those the target reads stay."""
    last: dict[LazyTensor, int] = {}
    for index, node in enumerate([*ordered, target]):
        stack = list(node.kernel.inputs) if node.kernel is not None else []
        seen: set[LazyTensor] = set()
        while stack:
            each = stack.pop()
            if each in seen:
                continue
            seen.add(each)
            if each in complete:
                last[each] = index
            elif each.kernel is not None:
                stack.extend(each.kernel.inputs)
    released: dict[int, list[LazyTensor]] = {}
    for node, index in last.items():
        if index < len(ordered):
            released.setdefault(index, []).append(node)
    return released
