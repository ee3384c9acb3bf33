"""A small GPT-like checkpoint: ``python examples/validation/inputs.py`` writes it to ``models/``."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

E = 8
LAYERS = 3


def gpt() -> dict[str, Tensor]:
    """Three layers of width 8, 26 tensors: fused attention [8, 24], an MLP [8, 32], norms and embeddings."""
    shapes = {"wte.weight": (32, E), "ln_f.weight": (E,)}
    for layer in range(LAYERS):
        shapes |= {
            f"h.{layer}.ln_1.weight": (E,),
            f"h.{layer}.attn.c_attn.weight": (E, 3 * E),
            f"h.{layer}.attn.c_attn.bias": (3 * E,),
            f"h.{layer}.attn.c_proj.weight": (E, E),
            f"h.{layer}.ln_2.weight": (E,),
            f"h.{layer}.mlp.c_fc.weight": (E, 4 * E),
            f"h.{layer}.mlp.c_fc.bias": (4 * E,),
            f"h.{layer}.mlp.c_proj.weight": (4 * E, E),
        }
    return {name: torch.randn(shape) for name, shape in shapes.items()}


def make(folder: Path) -> None:
    """Write the checkpoint to ``folder/models/gpt.safetensors``."""
    torch.manual_seed(0)
    (folder / "models").mkdir(parents=True, exist_ok=True)
    save_file(gpt(), folder / "models/gpt.safetensors")


if __name__ == "__main__":
    make(Path(__file__).parent)
