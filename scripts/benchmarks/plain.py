"""The plain scripts: what a good engineer writes with PyTorch and safetensors, shard by shard.

plain.py EDIT INPUT ... reads folders with equal shards; all but ``diff`` write the folder ``out``, flushed.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

State = dict[str, torch.Tensor]
FACTORED = re.compile(r"(model\.layers\.0\.self_attn\..*)\.weight")
MLP = re.compile(r"(model\.layers\.\d+\.mlp)\.(.*_proj\.weight)")
RANK = 64


def rename(state: State) -> State:
    return {name.replace("model.", "decoder.", 1): tensor for name, tensor in state.items()}


def scale(state: State) -> State:
    return {name: tensor * 0.5 if name.endswith(".weight") else tensor for name, tensor in state.items()}


def cast(state: State) -> State:
    return {name: tensor.to(torch.float16) for name, tensor in state.items()}


def merge(a: State, b: State) -> State:
    return {name: (tensor * 0.25).add_(b[name] * 0.75) for name, tensor in a.items()}


def task_vectors(base: State, first: State, second: State) -> State:
    merged = {}
    for name, tensor in base.items():
        one = (first[name] - tensor).mul_(0.5)
        two = (second[name] - tensor).mul_(0.25)
        merged[name] = one.add_(tensor).add_(two)
    return merged


def upcycle(state: State) -> State:
    out: State = {}
    for name, tensor in state.items():
        found = MLP.fullmatch(name)
        if not found:
            out[name] = tensor
            continue
        out[f"{found[1]}.experts.0.{found[2]}"] = tensor
        out[f"{found[1]}.experts.1.{found[2]}"] = tensor.clone()  # a file has no room for shared tensors
        if name.endswith("gate_proj.weight"):
            out[f"{found[1]}.gate.weight"] = torch.zeros(2, tensor.shape[1], dtype=tensor.dtype)
    return out


def phlora(state: State) -> State:
    out: State = {}
    for name, tensor in state.items():
        found = FACTORED.fullmatch(name)
        if not found:
            out[name] = tensor
            continue
        u, s, vh = torch.linalg.svd(tensor.float(), full_matrices=False)
        root = s[:RANK].sqrt()
        out[f"{found[1]}.a"] = (root[:, None] * vh[:RANK]).to(tensor.dtype).contiguous()
        out[f"{found[1]}.b"] = (u[:, :RANK] * root).to(tensor.dtype).contiguous()
    return out


def diff(a: State, b: State) -> State:
    for name, tensor in a.items():
        if not torch.equal(tensor, b[name]):
            print(name)
    return {}


EDITS: dict[str, Callable[..., State]] = {
    each.__name__: each for each in (rename, scale, cast, merge, task_vectors, upcycle, phlora, diff)
}


def main(edit: str, *inputs: str) -> None:
    out = Path("out")
    for shard in sorted(path.name for path in Path(inputs[0]).glob("*.safetensors")):
        state = EDITS[edit](*(load_file(Path(each) / shard) for each in inputs))
        if state:
            out.mkdir(exist_ok=True)
            save_file(state, out / shard, metadata={"format": "pt"})
            with (out / shard).open("rb") as file:
                os.fsync(file.fileno())


if __name__ == "__main__":
    main(*sys.argv[1:])
