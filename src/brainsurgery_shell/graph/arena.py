"""The arena: scratch files for what does not fit the memory budget.

Each result has a file of its own that has no name, so that nothing is left behind, not even by a killed
process, and the space is free again when the result is. It is read and written, not mapped: mapped pages
would count as memory of the process.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.files import read_at, write_at
from brainsurgery_shell.graph.runtime import load_torch

if TYPE_CHECKING:
    import torch

_HINT = "choose another folder with --arena-root, or a larger --memory"


class Scratch:
    """A flat result in the arena."""

    def __init__(self, fd: int, dtype: torch.dtype, elements: int) -> None:
        self._fd = fd
        self._dtype = dtype
        self._elements = elements
        weakref.finalize(self, os.close, fd)

    def write(self, data: memoryview, offset: int) -> None:
        """Put ``data`` (bytes) at byte ``offset``.

        Raises:
            StorageError: the disk fails.
        """
        try:
            write_at(self._fd, data, offset)
        except OSError as error:
            raise StorageError(f"cannot write a scratch file: {error.strerror}", hint=_HINT) from error

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill ``buffer`` (of bytes) from byte ``offset`` on.

        Raises:
            StorageError: the disk fails.
        """
        try:
            whole = read_at(self._fd, buffer, offset)
        except OSError as error:
            raise StorageError(f"cannot read a scratch file: {error.strerror}") from error
        if not whole:
            raise StorageError("a scratch file is shorter than it was")

    def whole(self) -> torch.Tensor:
        """All of it, mapped: for what torch computes at once."""
        itemsize = self._dtype.itemsize
        mapped = mmap.mmap(self._fd, self._elements * itemsize)
        flat: torch.Tensor = load_torch().frombuffer(mapped, dtype=self._dtype)
        return flat


class Arena:
    """Makes scratch files in ``root`` (default: the system's folder for temporary files)."""

    def __init__(self, root: Path | None) -> None:
        self.root = root

    def room(self, dtype: torch.dtype, elements: int) -> Scratch:
        """Room for a flat result of ``elements`` (at least one) elements.

        Raises:
            StorageError: there is no room, or ``root`` cannot be written.
        """
        folder = self.root or Path(tempfile.gettempdir())
        try:
            folder.mkdir(parents=True, exist_ok=True)
            fd = _nameless(folder)
        except OSError as error:
            raise StorageError(
                f"cannot write scratch files in '{error.filename or folder}': {error.strerror}", hint=_HINT
            ) from error
        nbytes = elements * dtype.itemsize
        scratch = Scratch(fd, dtype, elements)
        try:
            os.posix_fallocate(fd, 0, nbytes)
        except OSError as error:
            raise StorageError(
                f"no room for {nbytes:,} bytes of scratch files: {error.strerror}", hint=_HINT
            ) from error
        return scratch


def _nameless(folder: Path) -> int:
    """A new file that has no name, or none any more. Raises ``OSError``."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (AttributeError, OSError):  # not every system, nor every file system, has such files
        fd, name = tempfile.mkstemp(prefix="brainsurgery-arena-", dir=folder)
        Path(name).unlink()
        return fd
