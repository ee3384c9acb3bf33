"""A tensor from chunks: boxes of its index space that cover all of it."""

from __future__ import annotations

from collections.abc import Sequence

from brainsurgery_shell.graph.build import concat
from brainsurgery_shell.graph.tensor import LazyTensor, Shape

Box = tuple[Shape, LazyTensor]
"""Where a chunk begins in every dim, and the chunk."""

_MOST_CUTS = 100
"""Cuts within cuts; a grid takes as many as it has dims."""


def assemble(boxes: Sequence[Box], shape: Shape) -> LazyTensor | None:
    """The tensor of ``shape`` that ``boxes`` make up; ``None`` if they overlap or leave gaps.

    It is cut where no box is in the way, dim by dim, and the parts again: rows that lie in different files
    are concatenated, so that they can still be copied as they are. All layouts in use are grids, which can be
    cut so.
    """
    return _assemble(list(boxes), (0,) * len(shape), shape, 0)


def _assemble(boxes: list[Box], low: Shape, high: Shape, cuts: int) -> LazyTensor | None:
    """The part from index ``low`` up to ``high``."""
    if len(boxes) == 1:
        ((offsets, tensor),) = boxes
        return tensor if offsets == low and _end(boxes[0]) == high else None
    for dim in range(len(low)):
        groups = _cut(boxes, dim)
        if len(groups) > 1:
            break
    else:
        return None
    if cuts == _MOST_CUTS:
        return None
    parts = []
    begin = low[dim]
    for group in groups:
        end = max(_end(box)[dim] for box in group)
        part = _assemble(group, _replaced(low, dim, begin), _replaced(high, dim, end), cuts + 1)
        if part is None:
            return None
        parts.append(part)
        begin = end
    return concat(parts, dim) if begin == high[dim] else None


def _cut(boxes: list[Box], dim: int) -> list[list[Box]]:
    """The boxes in groups, one behind the other along ``dim``."""
    groups: list[list[Box]] = []
    reached = -1
    for box in sorted(boxes, key=lambda box: box[0][dim]):
        if not groups or box[0][dim] >= reached:
            groups.append([])
        groups[-1].append(box)
        reached = max(reached, _end(box)[dim])
    return groups


def _end(box: Box) -> Shape:
    offsets, tensor = box
    return tuple(offset + size for offset, size in zip(offsets, tensor.shape, strict=True))


def _replaced(index: Shape, dim: int, value: int) -> Shape:
    return (*index[:dim], value, *index[dim + 1 :])
