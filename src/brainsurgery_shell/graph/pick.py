"""Some positions of one dim, in their order: heads, channels, rows."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from brainsurgery_shell.graph import structure
from brainsurgery_shell.graph.build import concat, take
from brainsurgery_shell.graph.kernel import Kernel, Piece, Request
from brainsurgery_shell.graph.runtime import load_torch
from brainsurgery_shell.graph.tensor import LazyTensor, computed

if TYPE_CHECKING:
    import torch

MOST_RANGES = 64
"""Runs that are still kept as so many ranges of the file; more are picked by one kernel."""


class Pick(Kernel):
    """The runs ``(start, stop)`` of one dim, one behind the other."""

    __slots__ = ("dim", "ends", "runs", "unit")

    def __init__(self, source: LazyTensor, dim: int, runs: Sequence[tuple[int, int]]) -> None:
        super().__init__((source,))
        self.dim = dim
        self.runs = runs
        self.unit = math.gcd(source.shape[dim], *(edge for run in runs for edge in run))
        """Neighbours that stay or go together."""
        self.ends: list[int] = []
        """Where each run ends in the result."""
        for start, stop in runs:
            self.ends.append((self.ends[-1] if self.ends else 0) + stop - start)

    def piece(self, out: LazyTensor, start: int, stop: int) -> Piece:
        """Rows (of all dims from ``dim`` on) are read whole and picked from; long ones run by run."""
        source = self.inputs[0]
        size, inner = source.shape[self.dim], math.prod(source.shape[self.dim + 1 :])
        width = self.ends[-1] * inner
        most = structure.BLOCK_ELEMENTS // (size * inner)
        parts: list[torch.Tensor] = []
        index: torch.Tensor | None = None
        while start < stop:
            row = start // width
            if most == 0:
                last = min(stop, (row + 1) * width)
                for low, high in self._ranges(start - row * width, last - row * width, inner):
                    base = row * size * inner
                    parts.append((yield Request(source, base + low, base + high)))
            else:
                rows = min(most, -(-stop // width) - row)
                last = min(stop, (row + rows) * width)
                block = yield Request(source, row * size * inner, (row + rows) * size * inner)
                index = self._index() if index is None else index
                picked = _selected(block.view(rows, size // self.unit, self.unit * inner), index)
                parts.append(picked[start - row * width : last - row * width])
            start = last
        joined: torch.Tensor = parts[0] if len(parts) == 1 else load_torch().cat(parts)
        return joined

    def _ranges(self, start: int, stop: int, inner: int) -> list[tuple[int, int]]:
        """The elements of one row that elements ``start`` to ``stop`` of the result's row come from."""
        found = []
        at = bisect_right(self.ends, start // inner)
        while start < stop:
            first, last = self.runs[at]
            shift = (first - (self.ends[at] - (last - first))) * inner
            end = min(stop, self.ends[at] * inner)
            found.append((start + shift, end + shift))
            start, at = end, at + 1
        return found

    def _index(self) -> torch.Tensor:
        module = load_torch()
        units = [module.arange(start // self.unit, stop // self.unit) for start, stop in self.runs]
        index: torch.Tensor = module.cat(units)
        return index


def _selected(rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Columns of rows, flat. Not every dtype has this in torch, but every width.

    Single elements are gathered: that is four times as fast as selecting them.
    """
    module = load_torch()
    widths = {1: module.uint8, 2: module.int16, 4: module.int32, 8: module.int64}
    held = rows.view(widths.get(rows.element_size(), rows.dtype))
    if held.shape[2] == 1:
        selected = held[..., 0].gather(1, index.expand(len(held), -1))
    else:
        selected = held.index_select(1, index)
    flat: torch.Tensor = selected.view(-1).view(rows.dtype)
    return flat


def pick(tensor: LazyTensor, dim: int, runs: Sequence[tuple[int, int]]) -> LazyTensor:
    """The positions of ``dim`` in ``runs``: (start, stop), in order, apart from each other, none empty."""
    before, behind = math.prod(tensor.shape[:dim]), tensor.shape[dim + 1 :]
    if len(runs) == 1 or tensor.numel == 0 or (before == 1 and len(runs) <= MOST_RANGES):
        whole = [(0, size, 1, True) for size in tensor.shape]
        parts = [take(tensor, [*whole[:dim], (*run, 1, True), *whole[dim + 1 :]]) for run in runs]
        return parts[0] if len(parts) == 1 else concat(parts, dim)
    shape = (*tensor.shape[:dim], sum(stop - start for start, stop in runs), *behind)
    take(tensor, [(0, min(1, size), 1, True) for size in tensor.shape])  # says what cannot be cut
    return computed(shape, tensor.dtype, Pick(tensor, dim, runs))
