"""What must be complete before a tensor can be streamed, in which order, and how long it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.tensor import LazyTensor

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Schedule:
    """How one tensor is evaluated."""

    complete: list[LazyTensor]
    """Tensors to materialise, each after those it needs."""
    uses: dict[LazyTensor, int]
    """How many inputs of kernels a computed tensor is."""
    last_used: dict[int, list[LazyTensor]]
    """Which materialised tensors are needed no more after the one at an index of ``complete``."""
    results: dict[LazyTensor, torch.Tensor] = field(default_factory=dict)
    """What is materialised now, flat."""


def plan_schedule(
    target: LazyTensor, kept: Callable[[LazyTensor], torch.Tensor | None] = lambda node: None
) -> Schedule:
    """Walk the graph below ``target`` (without recursion) and decide what is materialised.

    Materialised are the inputs of whole kernels, results that are made at once, and computed tensors that
    several kernels read where one of them reads other ranges: without that, repeated edits of regions
    would evaluate the same elements exponentially often. What ``kept`` finds is there already: nothing below
    it is needed.
    """
    kernel = target.kernel
    if kernel is None:
        return Schedule([], {}, {})
    streams = not kernel.whole_inputs and not kernel.whole_result
    if streams and all(each.kernel is None for each in kernel.inputs):
        return Schedule([], {}, {})  # the usual case, and there may be 100,000 of it
    held: dict[LazyTensor, torch.Tensor] = {}
    order = _post_order(target, kept, held)
    if target in held:
        return Schedule([], {}, {}, held)
    uses: dict[LazyTensor, int] = {}
    moved: set[LazyTensor] = set()
    complete: set[LazyTensor] = set()
    for node in order:
        kernel = node.kernel
        if kernel is None or node in held:
            continue
        if kernel.whole_result:
            complete.add(node)
        for each in kernel.inputs:
            uses[each] = uses.get(each, 0) + 1
            if kernel.changes_ranges:
                moved.add(each)
            if kernel.whole_inputs:
                complete.add(each)
    complete |= {node for node in moved if uses[node] > 1 and node.kernel is not None}
    ordered = [node for node in order if node in complete and node not in held]
    return Schedule(ordered, uses, _last_uses(ordered, complete | held.keys(), target), held)


def _post_order(
    target: LazyTensor,
    kept: Callable[[LazyTensor], torch.Tensor | None],
    held: dict[LazyTensor, torch.Tensor],
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
