"""Small checkpoints for the plans here: ``python examples/jobs/inputs.py`` writes them to ``models/``.

Four heads of two, so E = 8, in the layouts of common architectures; names are theirs.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

StateDict = dict[str, Tensor]

E = 8
HEADS = 4
LAYERS = 6
LORA_RANK = 8


def normal(**shapes: tuple[int, ...]) -> StateDict:
    """Normal random tensors by name, ``__`` standing for a dot."""
    return {name.replace("__", "."): torch.randn(shape) for name, shape in shapes.items()}


def layers(prefix: str, number: int = LAYERS, **shapes: tuple[int, ...]) -> StateDict:
    """The same tensors for each of ``number`` layers, below ``prefix.N.``."""
    return {
        f"{prefix}.{layer}.{name}": tensor
        for layer in range(number)
        for name, tensor in normal(**shapes).items()
    }


def llama() -> StateDict:
    """Separate projections; query, key and value with biases."""
    projections = {f"self_attn__{each}_proj__weight": (E, E) for each in "qkvo"}
    biases = {f"self_attn__{each}_proj__bias": (E,) for each in "qkv"}
    return {
        **normal(model__embed_tokens__weight=(32, E)),
        **layers(
            "model.layers",
            input_layernorm__weight=(E,),
            **projections,
            **biases,
            mlp__up_proj__weight=(4 * E, E),
            mlp__down_proj__weight=(E, 4 * E),
        ),
        **normal(model__norm__weight=(E,), lm_head__weight=(32, E)),
    }


def gpt2() -> StateDict:
    """Fused, and transposed as GPT-2's Conv1D has it."""
    return layers(
        "h",
        attn__c_attn__weight=(E, 3 * E),
        attn__c_attn__bias=(3 * E,),
        attn__c_proj__weight=(E, E),
        attn__c_proj__bias=(E,),
        mlp__c_proj__weight=(4 * E, E),
    )


def fused() -> StateDict:
    """Fused: all queries, then all keys, then all values."""
    return layers(
        "layers",
        attn__Wqkv__weight=(3 * E, E),
        attn__Wqkv__bias=(3 * E,),
        attn__out_proj__weight=(E, E),
        attn__out_proj__bias=(E,),
    )


def neox() -> StateDict:
    """Interleaved: query, key and value of head 0, then those of head 1, and so on."""
    return layers(
        "gpt_neox.layers",
        attention__query_key_value__weight=(3 * E, E),
        attention__query_key_value__bias=(3 * E,),
        attention__dense__weight=(E, E),
        attention__dense__bias=(E,),
    )


def adapter() -> StateDict:
    """LoRA factors for the query and value projections of ``llama``."""
    return layers(
        "base_model.model.model.layers",
        **{f"self_attn__{each}_proj__lora_A__weight": (LORA_RANK, E) for each in "qv"},
        **{f"self_attn__{each}_proj__lora_B__weight": (E, LORA_RANK) for each in "qv"},
    )


def make(folder: Path) -> None:
    """Write every input to ``folder/models``."""
    torch.manual_seed(0)
    (folder / "models").mkdir(parents=True, exist_ok=True)
    for kind in (llama, gpt2, fused, neox, adapter):
        save_file(kind(), folder / f"models/{kind.__name__}.safetensors")
    for name in ("base", "code", "math"):
        save_file(fused(), folder / f"models/{name}.safetensors")


if __name__ == "__main__":
    make(Path(__file__).parent)
