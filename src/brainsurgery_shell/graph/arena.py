"""The arena: scratch files, memory-mapped, for what does not fit the memory budget.

Each tensor has a file of its own, unlinked as soon as it is mapped: nothing is left behind, not even by a
killed process, and the space is free again when the tensor is.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.runtime import load_torch

if TYPE_CHECKING:
    import torch


class Arena:
    """Makes memory-mapped tensors in ``root`` (default: the system's folder for temporary files)."""

    def __init__(self, root: Path | None) -> None:
        self.root = root

    def tensor(self, dtype: torch.dtype, elements: int, itemsize: int) -> torch.Tensor:
        """An uninitialised flat tensor of ``elements`` (at least one) elements.

        Raises:
            StorageError: there is no room, or ``root`` cannot be written.
        """
        try:
            if self.root is not None:
                self.root.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="brainsurgery-arena-", dir=self.root)
        except OSError as error:
            raise StorageError(
                f"cannot write scratch files in '{error.filename}': {error.strerror}",
                hint="choose another folder with --arena-root, or a larger --memory",
            ) from error
        try:
            os.posix_fallocate(handle, 0, elements * itemsize)
            mapped: torch.Tensor = load_torch().from_file(name, shared=True, size=elements, dtype=dtype)
        except OSError as error:
            raise StorageError(
                f"no room for {elements * itemsize:,} bytes of scratch files: {error.strerror}",
                hint="choose another folder with --arena-root, or a larger --memory",
            ) from error
        finally:
            os.close(handle)
            Path(name).unlink()
        return mapped

    def copy(self, flat: torch.Tensor) -> torch.Tensor:
        """A flat tensor (not an empty one), copied into the arena.

        Raises:
            StorageError: there is no room, or ``root`` cannot be written.
        """
        return self.tensor(flat.dtype, flat.numel(), flat.element_size()).copy_(flat)
