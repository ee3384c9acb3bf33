"""torch, imported late and set up once.

Importing torch takes about a second, so nothing imports it at start-up: kernels ask for it here when
something must be computed. Parallelism is ours (over tensors and shards); torch's own threads only spin.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import InternalError
from brainsurgery_shell.graph.dtypes import DType

if TYPE_CHECKING:
    from types import ModuleType

    import torch

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

            torch.set_num_threads(1)
            torch.set_grad_enabled(False)
            _module = torch
        return _module


def torch_dtype(dtype: DType) -> torch.dtype:
    """The torch dtype of one that torch computes or at least holds."""
    found = _dtypes.get(dtype.name)
    if found is None:
        if dtype.packed:
            raise InternalError(f"{dtype.name} has no torch dtype")
        found = _dtypes[dtype.name] = getattr(load_torch(), dtype.name)
    return found


def held_dtype(dtype: DType) -> tuple[torch.dtype, int]:
    """How pieces of ``dtype`` are held: the torch dtype, and bytes an element. Packed ones are bytes."""
    if dtype.packed:
        return load_torch().uint8, 1
    return torch_dtype(dtype), dtype.itemsize
