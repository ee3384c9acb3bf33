"""The figures' baselines in plain PyTorch: state dicts in, state dicts out.

Names and steps are the paper's; loading, saving and sharding are left to the caller, and the number of
layers is read from the names.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

StateDict = dict[str, Tensor]

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")
RANK = 64


def layers(state_dict: StateDict) -> list[int]:
    """The layer numbers in ``model.layers.N.…``."""
    found = (re.match(r"model\.layers\.(\d+)\.", name) for name in state_dict)
    return sorted({int(match[1]) for match in found if match})


def factorise_experts(source: StateDict) -> StateDict:
    """Figures 2 and 13: expert 1 becomes low-rank factors of its distance from expert 0."""
    out = dict(source)
    for layer in layers(source):
        prefix = f"model.layers.{layer}.mlp.experts"
        for proj in PROJECTIONS:
            expert = f"{prefix}.1.{proj}"
            delta = source[f"{expert}.weight"] - source[f"{prefix}.0.{proj}.weight"]
            u, s, vh = torch.linalg.svd(delta, full_matrices=False)
            sqrt_s = s[:RANK].sqrt()
            out[f"{expert}.phlora_a.weight"] = (sqrt_s[:, None] * vh[:RANK, :]).to(torch.float16)
            out[f"{expert}.phlora_b.weight"] = (u[:, :RANK] * sqrt_s).to(torch.float16)
            del out[f"{expert}.weight"]
    return out


def scale_attention(state_dict: StateDict) -> StateDict:
    """Figures 3 and 9: halve all attention projections."""
    pattern = re.compile(r".*self_attn\..*_proj\.weight")
    return {name: tensor * 0.5 if pattern.fullmatch(name) else tensor for name, tensor in state_dict.items()}


def copy_slice(state_dict: StateDict, name: str) -> StateDict:
    """Figure 7: a block of one tensor as a tensor of its own."""
    return {**state_dict, "tmp": state_dict[name][:128, :128].clone()}


def rewrite_prefix(state_dict: StateDict) -> StateDict:
    """Figure 10: ``text_model.`` becomes ``model.``."""
    pattern = re.compile(r"text_model\.(.*)")
    out = dict(state_dict)
    for name in state_dict:
        match = pattern.fullmatch(name)
        if match:
            out[f"model.{match.group(1)}"] = out.pop(name)
    return out


def compare(left: StateDict, right: StateDict) -> dict[str, list[str]]:
    """Figure 11: what is missing on each side, and what differs."""
    both = sorted(set(left) & set(right))
    return {
        "missing on left": sorted(set(right) - set(left)),
        "missing on right": sorted(set(left) - set(right)),
        "differing": [
            name
            for name in both
            if left[name].shape != right[name].shape or not torch.equal(left[name], right[name])
        ],
    }


def upcycle(dense_a: StateDict, dense_b: StateDict) -> StateDict:
    """Figure 12: two dense models as the experts of one."""
    out = dict(dense_a)
    for layer in layers(dense_a):
        prefix = f"model.layers.{layer}"
        for expert, dense in ((0, dense_a), (1, dense_b)):
            for proj in PROJECTIONS:
                source = dense[f"{prefix}.mlp.{proj}.weight"]
                out[f"{prefix}.mlp.experts.{expert}.{proj}.weight"] = source.clone()
        query = dense_a[f"{prefix}.self_attn.q_proj.weight"]
        out[f"{prefix}.mlp.gate.weight"] = torch.zeros_like(query[:2, :])
        for proj in PROJECTIONS:
            del out[f"{prefix}.mlp.{proj}.weight"]
    return out


def truncate_experts(source: StateDict) -> StateDict:
    """Figure 14: expert 1 becomes expert 0 plus the best low-rank approximation of their distance."""
    out = dict(source)
    for layer in layers(source):
        for proj in PROJECTIONS:
            e0 = f"model.layers.{layer}.mlp.experts.0.{proj}.weight"
            e1 = f"model.layers.{layer}.mlp.experts.1.{proj}.weight"
            u, s, vh = torch.linalg.svd(source[e1] - source[e0], full_matrices=False)
            approx = (u[:, :RANK] * s[:RANK]) @ vh[:RANK, :]
            out[e1] = (source[e0] + approx).to(torch.float16)
    return out
