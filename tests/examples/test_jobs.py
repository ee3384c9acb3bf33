"""Everyday jobs: each plan gives what a few lines of PyTorch give, in at most six steps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from example_files import EXAMPLES, StateDict, assert_same, load, plans, prepare

from brainsurgery_shell.session.plan_read import read_plan
from conftest import Cli

MOST_STEPS = 6
E, HEADS, D = 8, 4, 2
KEPT = [0, 2, 3]


def pruned(source: StateDict) -> StateDict:
    number = {0: 0, 1: 1, 3: 2, 5: 3}
    out = {}
    for name, tensor in source.items():
        parts = name.split(".")
        if parts[1] == "layers":
            if int(parts[2]) not in number:
                continue
            parts[2] = str(number[int(parts[2])])
        out[".".join(parts)] = tensor
    return out


def without_head(source: StateDict, select: Callable[[str, torch.Tensor], torch.Tensor]) -> StateDict:
    return {name: select(name, tensor) for name, tensor in source.items()}


def separate(name: str, w: torch.Tensor) -> torch.Tensor:
    if re.search(r"[qkv]_proj", name):
        return w.view(HEADS, D, *w.shape[1:])[KEPT].flatten(0, 1)
    return w.view(E, HEADS, D)[:, KEPT].flatten(1) if "o_proj" in name else w


def fused(name: str, w: torch.Tensor) -> torch.Tensor:
    if "Wqkv" in name:
        return w.view(3, HEADS, D, *w.shape[1:])[:, KEPT].flatten(0, 2)
    return w.view(E, HEADS, D)[:, KEPT].flatten(1) if name.endswith("out_proj.weight") else w


def gpt2(name: str, w: torch.Tensor) -> torch.Tensor:
    if "c_attn" in name:
        return w.view(*w.shape[:-1], 3, HEADS, D)[..., KEPT, :].flatten(-3)
    return w.view(HEADS, D, E)[KEPT].flatten(0, 1) if name.endswith("attn.c_proj.weight") else w


def interleaved(name: str, w: torch.Tensor) -> torch.Tensor:
    if "query_key_value" in name:
        return w.view(HEADS, 3, D, *w.shape[1:])[KEPT].flatten(0, 2)
    return w.view(E, HEADS, D)[:, KEPT].flatten(1) if name.endswith("dense.weight") else w


HEADS_DROPPED = [
    ("separate", "llama", "llama_3_heads", separate),
    ("fused", "fused", "fused_3_heads", fused),
    ("gpt2", "gpt2", "gpt2_3_heads", gpt2),
    ("interleaved", "neox", "neox_3_heads", interleaved),
]


@pytest.fixture
def models(folder: Path) -> Path:
    return prepare("jobs", folder)


@pytest.mark.parametrize("plan", plans("jobs"))
def test_at_most_six_steps(plan: str) -> None:
    commands = [command for command, _ in read_plan(EXAMPLES / "jobs" / plan, []).commands]
    assert 0 < sum(command.name != "assert" for command in commands) <= MOST_STEPS


def test_prune_layers(models: Path, cli: Cli) -> None:
    cli("prune_layers.yaml").ok()
    assert_same(load(models / "pruned.safetensors"), pruned(load(models / "llama.safetensors")))


@pytest.mark.parametrize(("plan", "source", "result", "select"), HEADS_DROPPED)
def test_drop_a_head(
    models: Path, cli: Cli, plan: str, source: str, result: str, select: Callable[[str, torch.Tensor], torch.Tensor]
) -> None:  # fmt: skip
    cli(f"drop_head_{plan}.yaml").ok()
    before = load(models / f"{source}.safetensors")
    wanted = without_head(before, select)
    assert sum(tensor.shape != before[name].shape for name, tensor in wanted.items()) % 6 == 0
    assert_same(load(models / f"{result}.safetensors"), wanted)


def test_mixed_precision_in_shards(models: Path, cli: Cli) -> None:
    cli("mixed_precision.yaml").ok()
    source = load(models / "llama.safetensors")
    wanted = {name: w if "norm" in name or "embed" in name else w.bfloat16() for name, w in source.items()}
    assert_same(load(models / "mixed"), wanted)
    index = json.loads((models / "mixed/model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(source)
    assert len(set(index["weight_map"].values())) > 2
    for shard in set(index["weight_map"].values()):
        assert sum(w.nbytes for w in load(models / "mixed" / shard).values()) <= 2048


def test_merge_task_vectors(models: Path, cli: Cli) -> None:
    cli("merge_task_vectors.yaml").ok()
    base, code, math = (load(models / f"{name}.safetensors") for name in ("base", "code", "math"))
    wanted = {name: b + 0.4 * (code[name] - b) + 0.3 * (math[name] - b) for name, b in base.items()}
    assert_same(load(models / "merged.safetensors"), wanted)


def test_fold_lora(models: Path, cli: Cli) -> None:
    cli("fold_lora.yaml").ok()
    base, lora = (load(models / f"{name}.safetensors") for name in ("llama", "adapter"))
    out = load(models / "folded.safetensors")
    assert set(out) == set(base)
    folded = 0
    for name, weight in base.items():
        factor = f"base_model.model.{name.removesuffix('.weight')}.lora_A.weight"
        if factor in lora:
            wanted = weight + 16 / 8 * (lora[factor.replace("lora_A", "lora_B")] @ lora[factor])
            torch.testing.assert_close(out[name], wanted)
            assert not torch.allclose(out[name], weight)
            folded += 1
        else:
            assert torch.equal(out[name], weight), name
    assert folded == 12
