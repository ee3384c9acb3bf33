"""Copies of ``examples/`` below a test's folder, with their inputs made."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"

StateDict = dict[str, Tensor]


def script(path: str) -> ModuleType:
    """A script of ``examples/`` as a module; it may import its neighbours, as if it were run."""
    file = EXAMPLES / path
    name = "examples_" + path.removesuffix(".py").replace("/", "_")
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        sys.path.insert(0, str(file.parent))
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(file.parent))
    return sys.modules[name]


def plans(which: str) -> list[str]:
    """The plans in one folder of ``examples/``."""
    found = sorted(path.name for path in (EXAMPLES / which).glob("*.yaml"))
    assert found
    return found


def prepare(which: str, folder: Path) -> Path:
    """Copy the plans of ``examples/which`` into ``folder`` and make their inputs there."""
    for name in plans(which):
        shutil.copy(EXAMPLES / which / name, folder / name)
    script(f"{which}/inputs.py").make(folder)
    return folder / "models"


def load(path: Path) -> StateDict:
    """A checkpoint: a safetensors file, or a folder with one or more."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    assert files
    found: StateDict = {}
    for file in files:
        found.update(load_file(file))
    return found


def assert_same(actual: StateDict, wanted: StateDict) -> None:
    """Names, dtypes, shapes and bits agree."""
    assert set(actual) == set(wanted)
    for name, tensor in wanted.items():
        assert (actual[name].dtype, actual[name].shape) == (tensor.dtype, tensor.shape), name
        assert torch.equal(bits(actual[name]), bits(tensor)), name


def bits(tensor: Tensor) -> Tensor:
    """The bytes of a tensor, in which NaN equals NaN and -0.0 is not 0.0."""
    return tensor.contiguous().flatten().view(torch.uint8)
