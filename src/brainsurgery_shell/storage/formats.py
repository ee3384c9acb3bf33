"""The formats of checkpoints. A format is a file that says what it reads and how it is laid out."""

from __future__ import annotations

import importlib
from functools import cache

from brainsurgery_shell.storage.container import Container
from brainsurgery_shell.storage.names import SUFFIXES

_FORMATS = ("safetensors", "torch", "numpy", "dcp")
"""Each is a package of that name, whose module ``files`` has its ``FORMAT``. Imported when it is met."""


@cache
def container(name: str) -> Container:
    """The format with that name."""
    found: Container = importlib.import_module(f"brainsurgery_shell.storage.{name}.files").FORMAT
    return found


def formats() -> list[str]:
    """The names of all formats."""
    return list(_FORMATS)


def suffixes() -> list[str]:
    """The suffixes of files that can be opened."""
    return [suffix for suffix, name in SUFFIXES.items() if name in _FORMATS]
