"""What the tests of the graph share: tensors in a file, opened as lazy ones."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from brainsurgery_shell.graph.evaluate import Evaluator
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.read import open_checkpoint


def lazy(folder: Path, **tensors: torch.Tensor) -> dict[str, LazyTensor]:
    """The tensors, stored and lazy."""
    number = len(list(folder.glob("*.safetensors")))
    path = folder / f"{number}.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return dict(open_checkpoint(path, str(path)).tensors)


def evaluator(memory: int = 1 << 30) -> Evaluator:
    return Evaluator(memory=memory)
