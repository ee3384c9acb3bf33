"""Complete results: flat, in memory or in the arena, of which any range can be read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.arena import Scratch
from brainsurgery_shell.graph.runtime import empty_flat, load_torch

if TYPE_CHECKING:
    import torch


class Result(ABC):
    """All elements of a tensor, flat (bytes for packed dtypes)."""

    @abstractmethod
    def write(self, start: int, values: torch.Tensor) -> None:
        """Put 1-d ``values`` at element ``start``."""

    @abstractmethod
    def read(self, start: int, stop: int) -> torch.Tensor:
        """Elements ``start`` to ``stop``, 1-d."""

    @abstractmethod
    def rows(self, start: int, count: int, stride: int, length: int) -> torch.Tensor:
        """``count`` runs of ``length`` elements, ``stride`` elements from beginning to beginning; 1-d."""

    @abstractmethod
    def whole(self) -> torch.Tensor:
        """All of it."""


class InMemory(Result):
    """A result that is a torch tensor."""

    def __init__(self, flat: torch.Tensor) -> None:
        self._flat = flat

    def write(self, start: int, values: torch.Tensor) -> None:
        """Copy."""
        self._flat[start : start + values.numel()] = values

    def read(self, start: int, stop: int) -> torch.Tensor:
        """A view."""
        return self._flat[start:stop]

    def rows(self, start: int, count: int, stride: int, length: int) -> torch.Tensor:
        """A copy, unless the runs follow each other."""
        view = self._flat.as_strided((count, length), (stride, 1), self._flat.storage_offset() + start)
        return view.contiguous().view(-1)

    def whole(self) -> torch.Tensor:
        """The tensor."""
        return self._flat


class InArena(Result):
    """A result that is a scratch file."""

    def __init__(self, scratch: Scratch, dtype: torch.dtype) -> None:
        self._scratch = scratch
        self._dtype = dtype

    def write(self, start: int, values: torch.Tensor) -> None:
        """Write to the file."""
        self._scratch.write(bytes_of(values), start * self._dtype.itemsize)

    def read(self, start: int, stop: int) -> torch.Tensor:
        """Read from the file."""
        return self.rows(start, 1, 0, stop - start)

    def rows(self, start: int, count: int, stride: int, length: int) -> torch.Tensor:
        """Read from the file, run by run."""
        result = empty_flat(count * length, self._dtype)
        itemsize = self._dtype.itemsize
        view, width = bytes_of(result), length * itemsize
        for row in range(count):
            part = view[row * width : (row + 1) * width]
            self._scratch.read_into(part, (start + row * stride) * itemsize)
        return result

    def whole(self) -> torch.Tensor:
        """The file, mapped."""
        return self._scratch.whole()


def bytes_of(flat: torch.Tensor) -> memoryview:
    """The memory of a 1-d tensor, or of a copy if its elements do not follow each other."""
    module = load_torch()
    if flat.stride() != (1,):  # torch calls a single element contiguous whatever its stride is
        flat = flat.clone(memory_format=module.contiguous_format)
    return memoryview(flat.view(module.uint8).numpy())  # type: ignore[arg-type]
