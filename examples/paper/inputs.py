"""Small checkpoints for the plans here: ``python examples/paper/inputs.py`` writes them to ``models/``.

The names are those of the figures and the shapes as small as their slices and ranks allow.
"""

from __future__ import annotations

from pathlib import Path

import torch
from baseline import PROJECTIONS, RANK, StateDict, factorise_experts, truncate_experts, upcycle
from safetensors.torch import save_file
from torch import Tensor

LAYERS = 2


def normal(*shape: int) -> Tensor:
    """Normal random numbers, of torch's default generator."""
    return torch.randn(shape)


def far_apart(rows: int, columns: int) -> Tensor:
    """A [rows, columns] matrix of rank beyond 64 whose best approximation of rank 64 is exact in float16.

    A permuted diagonal of 64 whole numbers from 8 up, and behind it one of quarters: the approximation is
    the first block alone. So two SVDs that round differently still give the same bits once they are cast to
    float16, which the last assertion of Figure 14 asks for.
    """
    matrix = torch.zeros(rows, columns)
    order = torch.randperm(RANK)
    matrix[torch.arange(RANK), order] = torch.arange(8.0, 8.0 + RANK)[torch.randperm(RANK)]
    rest = min(rows, columns) - RANK
    matrix[RANK + torch.arange(rest), RANK + torch.randperm(rest)] = 0.25
    return matrix


def experts() -> StateDict:
    """Two experts a layer (Figures 2, 13, 14): gate and up [80, 72], down [72, 80], exact in float16."""
    out = {"model.embed_tokens.weight": normal(16, 72)}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}.mlp.experts"
        for proj in PROJECTIONS:
            shape = (72, 80) if proj == "down_proj" else (80, 72)
            anchor = torch.randint(-32, 33, shape) / 8
            out[f"{prefix}.0.{proj}.weight"] = anchor
            out[f"{prefix}.1.{proj}.weight"] = anchor + far_apart(*shape)
        out[f"model.layers.{layer}.input_layernorm.weight"] = normal(72)
    return out


def dense(hidden: int = 2048) -> StateDict:
    """A dense decoder (Figures 3, 9, 10, 12) with a query projection of [4, hidden]."""
    out = {"model.embed_tokens.weight": normal(16, 8)}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        for proj in ("q_proj", "k_proj", "v_proj", "o_proj"):
            out[f"{prefix}.self_attn.{proj}.weight"] = normal(4, hidden)
        out[f"{prefix}.self_attn.q_proj.bias"] = normal(4)
        for proj in PROJECTIONS:
            out[f"{prefix}.mlp.{proj}.weight"] = normal(8, 12)
    return out


def blocks() -> StateDict:
    """Attention one level below its layer, as Figure 7 has it: ``.0.``, then more, then ``.self_attn``."""
    return {
        f"model.layers.{layer}.block.self_attn.q_proj.weight": normal(160, 144) for layer in range(LAYERS)
    }


def gates() -> tuple[StateDict, StateDict]:
    """The two sides of Figure 8: a gate with a bias, and the same without."""
    source = {"layers.0.gate.weight": normal(2, 2048), "layers.0.gate.bias": normal(2)}
    return source, {"layers.0.gate.weight": source["layers.0.gate.weight"]}


def make(folder: Path) -> None:
    """Write every input to ``folder/models``."""
    torch.manual_seed(0)
    models = folder / "models"
    for name in ("example_yaml_output", "example_reference_output"):
        (models / name).mkdir(parents=True, exist_ok=True)

    def save(name: str, state_dict: StateDict) -> None:
        packed = {name: tensor.contiguous() for name, tensor in state_dict.items()}
        save_file(packed, models / f"{name}.safetensors")

    moe = experts()
    save("input", moe)
    save("reference", factorise_experts(moe))
    save("low_rank_reference", truncate_experts(moe))
    torch.save(dense(), models / "input.pt")
    save("blocks", blocks())
    source, out = gates()
    save("src", source)
    save("out", out)
    save("text_model", {name.replace("model.", "text_model.", 1): each for name, each in dense(8).items()})
    dense_a, dense_b = dense(), dense()
    save("dense_a", dense_a)
    save("dense_b", dense_b)
    upcycled = upcycle(dense_a, dense_b)
    save("moe_reference", upcycled)
    for name in ("example_yaml_output", "example_reference_output"):
        save(f"{name}/model", upcycled)


if __name__ == "__main__":
    make(Path(__file__).parent)
