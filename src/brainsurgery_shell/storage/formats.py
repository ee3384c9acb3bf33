"""The formats of checkpoints. A format is a file that says what it reads and how it is laid out."""

from __future__ import annotations

import importlib
from functools import cache

from brainsurgery_shell.storage.container import Container
from brainsurgery_shell.storage.names import SUFFIXES

_HOMES = {
    "safetensors": ("safetensors_files", "SAFETENSORS"),
    "torch": ("torch_files", "TORCH"),
    "numpy": ("numpy_files", "NUMPY"),
    "dcp": ("dcp_files", "DCP"),
}
"""Module and object of each format, imported when the format is met."""


@cache
def container(name: str) -> Container:
    """The format with that name."""
    module, attribute = _HOMES[name]
    found: Container = getattr(importlib.import_module(f"brainsurgery_shell.storage.{module}"), attribute)
    return found


def formats() -> list[str]:
    """The names of all formats."""
    return list(_HOMES)


def suffixes() -> list[str]:
    """The suffixes of files that can be opened."""
    return [suffix for suffix, name in SUFFIXES.items() if name in _HOMES]
