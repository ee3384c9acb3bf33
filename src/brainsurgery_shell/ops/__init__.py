"""Operations, one small file each. Every module here declares itself when it is imported."""

from __future__ import annotations

import importlib
import pkgutil


def load_all() -> None:
    """Import every operation, so that the registry is full."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
