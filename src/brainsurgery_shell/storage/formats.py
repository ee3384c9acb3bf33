"""The formats of checkpoints: each is a package of its name, whose module ``files`` has its ``FORMAT``."""

from __future__ import annotations

import importlib
from functools import cache

from brainsurgery_shell.storage.container import Container
from brainsurgery_shell.storage.names import FORMATS, SUFFIXES


@cache
def container(name: str) -> Container:
    """The format with that name, imported when it is met."""
    found: Container = importlib.import_module(f"brainsurgery_shell.storage.{name}.files").FORMAT
    return found


def formats() -> list[str]:
    """The names of all formats."""
    return [each.name for each in FORMATS]


def suffixes() -> list[str]:
    """The suffixes of files that can be opened."""
    return list(SUFFIXES)
