"""From the tensors of a torch file, views of storages, to lazy tensors."""

from __future__ import annotations

import math
from typing import NamedTuple

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.foreign import SwapBytes
from brainsurgery_shell.graph.strided import as_strided
from brainsurgery_shell.graph.structure import strides_of
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile, computed, stored
from brainsurgery_shell.storage.text import printable
from brainsurgery_shell.storage.torch.globals import View
from brainsurgery_shell.storage.torch.unpickle import broken

_MOST_BYTES = 2**63 - 1


class Saved(NamedTuple):
    """What lies in a torch file."""

    value: object
    pickled: bytes
    """What describes it."""
    ranges: dict[str, tuple[int, int]]
    """Key → first byte in the file, and bytes, of each storage."""
    swapped: bool = False
    """Whether the most significant byte of each number comes first."""


class Places:
    """Where in ``file`` the storages of what was saved lie."""

    def __init__(self, file: StoredFile, saved: Saved) -> None:
        self._file = file
        self._ranges = saved.ranges
        self._swapped = saved.swapped
        self._made: dict[tuple[object, ...], LazyTensor] = {}

    def lazy(self, view: View, name: str) -> LazyTensor:
        """The lazy tensor of a view: a range of the file wherever its elements lie in row-major order.

        Raises:
            StorageError: it reaches beyond its storage. ``name`` is how messages call it.
        """
        storage, size, dtype = view.storage, view.size, view.dtype
        begin, room = self._ranges[storage.key]
        at = storage.offset + view.offset * dtype.itemsize
        room = min(room, storage.offset + storage.numel * storage.dtype.itemsize)
        count = math.prod(size)
        if not count:
            return stored(size, dtype, self._file, begin)
        dense = view.stride == strides_of(size) or _row_major(size, view.stride)
        last = count - 1 if dense else _last(size, view.stride)
        end = at + (last + 1) * dtype.itemsize
        if end > room:
            raise self._bad(name, f"ends at byte {end} of a storage of {room}")
        if dense and not (self._swapped and dtype.itemsize > 1):
            return stored(size, dtype, self._file, begin + at)
        if count > _MOST_BYTES // dtype.itemsize:
            raise self._bad(name, f"has the shape {list(size)}, more bytes than any file can hold")
        return self._computed(view, begin + at, last + 1)

    def _computed(self, view: View, start: int, count: int) -> LazyTensor:
        """A view that is no range of the file: of ``count`` elements from byte ``start`` on."""
        dtype = view.dtype
        key = (start, view.size, view.stride, dtype)
        found = self._made.get(key)  # names that share a view share what is computed
        if found is None:
            if self._swapped and dtype.itemsize > 1:
                raw = stored((count * dtype.itemsize,), BY_NAME["uint8"], self._file, start)
                flat = computed((count,), dtype, SwapBytes(raw))
            else:
                flat = stored((count,), dtype, self._file, start)
            found = self._made[key] = as_strided(flat, view.size, view.stride)
        return found

    def _bad(self, name: str, problem: str) -> StorageError:
        return broken(self._file.shown, f"tensor '{printable(name)}' {problem}")


def _last(size: tuple[int, ...], stride: tuple[int, ...]) -> int:
    return sum((n - 1) * step for n, step in zip(size, stride, strict=True))


def _row_major(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether dims of size one are all that hides it: their strides mean nothing."""
    return all(n == 1 or step == dense for n, step, dense in zip(size, stride, strides_of(size), strict=True))
