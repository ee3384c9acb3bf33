"""Lazy tensors: shape, dtype, and how to get the bytes.

A lazy tensor is immutable. It is either *stored* (a contiguous little-endian range of a file, row-major) or
*computed* by a kernel from other lazy tensors. Building one reads nothing and never imports torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.graph.dtypes import DType

if TYPE_CHECKING:
    from brainsurgery_shell.graph.kernel import Kernel

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What identifies the content of a file while its tensors are lazy."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class StoredFile:
    """A file that lazy tensors read from. ``path`` is where it lies now (``save`` may move it aside)."""

    __slots__ = ("facts", "path", "shown", "tied")

    def __init__(self, path: Path, facts: FileFacts, shown: str) -> None:
        self.path = path
        self.facts = facts
        self.shown = shown
        """The path as the user typed it, for messages."""
        self.tied: frozenset[LazyTensor] = frozenset()
        """Tensors of it that had several names when it was opened, as input and output embeddings do."""


class LazyTensor:
    """A tensor that is not computed yet."""

    __slots__ = ("dtype", "file", "kernel", "offset", "shape")

    def __init__(
        self,
        shape: Shape,
        dtype: DType,
        *,
        file: StoredFile | None = None,
        offset: int = 0,
        kernel: Kernel | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.file = file
        self.offset = offset
        """First byte in ``file``."""
        self.kernel = kernel
        """How to compute it, where it is not stored."""

    @property
    def numel(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its data as written."""
        return (math.prod(self.shape) * self.dtype.bits + 7) // 8

    @property
    def rank(self) -> int:
        """How many dims it has."""
        return len(self.shape)

    def __repr__(self) -> str:
        origin = self.kernel if self.kernel is not None else f"{self.file and self.file.shown}@{self.offset}"
        return f"LazyTensor({list(self.shape)}, {self.dtype}, {origin})"


def stored(shape: Shape, dtype: DType, file: StoredFile, offset: int) -> LazyTensor:
    """A tensor whose bytes lie in ``file`` from ``offset`` on."""
    return LazyTensor(shape, dtype, file=file, offset=offset)


def computed(shape: Shape, dtype: DType, kernel: Kernel) -> LazyTensor:
    """A tensor that ``kernel`` computes."""
    return LazyTensor(shape, dtype, kernel=kernel)
