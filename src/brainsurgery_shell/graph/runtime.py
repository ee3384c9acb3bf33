"""torch, imported late and set up once.

Importing torch takes about a second, so nothing imports it at start-up: kernels ask for it here when
something must be computed. Parallelism is ours (over tensors and shards); torch's own threads only spin.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import InternalError, SurgeryError
from brainsurgery_shell.graph.dtypes import DType

if TYPE_CHECKING:
    from types import ModuleType

    import torch

_MMAP_THRESHOLD = 4 << 20
_TRIM_THRESHOLD = 32 << 20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's ``mallopt``."""

_lock = threading.Lock()
_module: ModuleType | None = None
_dtypes: dict[str, torch.dtype] = {}


def load_torch() -> ModuleType:
    """The torch module, with one thread and passive waiting."""
    global _module
    with _lock:
        if _module is None:
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
            import torch

            _keep_freed_memory()
            torch.set_num_threads(1)
            torch.set_grad_enabled(False)
            _module = torch
        return _module


def _keep_freed_memory() -> None:
    """Have glibc keep what pieces leave for the next ones.

    By default it gives memory of their size back to the kernel each time, which then has to clear it again:
    800,000 page faults, and more than half of the time, of a merge of 2 GB.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)
    mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD)


def torch_dtype(dtype: DType) -> torch.dtype:
    """The torch dtype of one that torch computes or at least holds."""
    found = _dtypes.get(dtype.name)
    if found is None:
        if dtype.packed:
            raise InternalError(f"{dtype.name} has no torch dtype")
        found = _dtypes[dtype.name] = getattr(load_torch(), dtype.name)
    return found


def empty_flat(elements: int, dtype: torch.dtype) -> torch.Tensor:
    """A 1-d tensor that is not filled.

    Raises:
        SurgeryError: the system has no memory for it.
    """
    try:
        flat: torch.Tensor = load_torch().empty(elements, dtype=dtype)
    except RuntimeError as error:
        raise out_of_memory() from error
    return flat


def out_of_memory() -> SurgeryError:
    """The error of an allocation that the system refused."""
    return SurgeryError(
        "the system has no more memory for this process",
        hint="give --memory less than there is; fewer --workers need less, too",
    )


def held_dtype(dtype: DType) -> tuple[torch.dtype, int]:
    """How pieces of ``dtype`` are held: the torch dtype, and bytes an element. Packed ones are bytes."""
    if dtype.packed:
        return load_torch().uint8, 1
    return torch_dtype(dtype), dtype.itemsize
