"""Importing torch beside something that must stay quick, as a prompt.

Loading torch's largest library runs its initialisers: 130 ms in which Python's import holds the interpreter's
lock. A foreign call does not hold it, and what was loaded by one is there when Python imports it. The longest
time in which nothing else runs falls to some 20 ms.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

from brainsurgery_shell.graph.runtime import load_torch

_LARGEST = "libtorch_cpu.so"


def load_early() -> None:
    """Import torch in a thread of its own; kernels that ask for it meanwhile wait for it."""
    if "torch" in sys.modules:
        return
    if sys.platform.startswith("linux"):
        _load_largest()
    load_torch()


def _load_largest() -> None:
    """Without success nothing is lost: the import loads it then."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    library = Path(spec.origin).parent / "lib" / _LARGEST
    try:
        load = ctypes.CDLL(None).dlopen
    except AttributeError:  # a C library without it
        return
    load.restype = ctypes.c_void_p
    load(os.fsencode(library), os.RTLD_LAZY)
