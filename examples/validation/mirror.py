"""``validate.yaml`` in plain PyTorch, transform by transform.

``mirror`` yields the operation's name after each step that the plan has, assertions aside; what is open then
is in the ``State`` that it was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

StateDict = dict[str, Tensor]
State = dict[str, StateDict]
"""State dicts by alias."""

LAYERS = range(3)
FACTORS = re.compile(r"[ab]\.\d")
"""Names of factors: unique up to signs only."""

ROUNDED = re.compile(r"product\.\d|low|dotted|norm")
"""Names of what agrees within rounding; all else agrees bit for bit."""


def mirror(state: State, folder: Path) -> Iterator[str]:
    """All steps, on ``state`` (``{"model": …}`` at first); files go to ``folder/models/mirror``."""
    yield from namespaces(state)
    lab = state["lab"]
    yield from arithmetic(lab)
    yield from cutting_and_joining(lab)
    yield from types_and_slices(lab)
    yield from heads(lab)
    yield from factorisation(lab)
    yield from files(state, folder / "models")


def rename(state_dict: StateDict, pattern: str, template: str) -> None:
    """Rename what matches as a whole, all at once, in place in the order of names."""
    renamed = {}
    for name, tensor in state_dict.items():
        match = re.fullmatch(pattern, name)
        renamed[match.expand(template) if match else name] = tensor
    state_dict.clear()
    state_dict.update(renamed)


def delete(state_dict: StateDict, pattern: str) -> None:
    """Delete what matches as a whole."""
    for name in [name for name in state_dict if re.fullmatch(pattern, name)]:
        del state_dict[name]


def namespaces(state: State) -> Iterator[str]:
    """Aliases, copies, names."""
    state["work"] = {}
    yield "prefixes"
    for name, tensor in state["model"].items():
        state["work"][name] = tensor.clone()
    yield "copy"
    state["lab"] = state.pop("work")
    yield "prefixes"
    state["work"] = {}
    yield "prefixes"
    state["work"]["x"] = state["lab"]["wte.weight"].clone()
    yield "copy"
    del state["work"]
    yield "prefixes"
    lab = state["lab"]
    yield "prefixes"
    lab["x"] = lab["wte.weight"].clone()
    yield "copy"
    lab["x"].fill_(7)
    yield "fill_"
    rename(lab, r"h\.(\d+)\.(.*)", r"blocks.\1.\2")
    yield "move"
    rename(lab, r"blocks\.(\d+)\.(.*)", r"h.\1.\2")
    yield "move"


def arithmetic(lab: StateDict) -> Iterator[str]:
    """Elementwise arithmetic, in place and out of place."""
    lab["x"].copy_(lab["wte.weight"])
    yield "assign"
    lab["sum"] = lab["x"] + lab["x"]
    yield "add"
    lab["double"] = lab["x"] * 2
    yield "scale"
    lab["y"] = lab["x"].clone()
    yield "copy"
    lab["y"] += lab["x"]
    yield "add_"
    lab["y"] -= lab["x"]
    yield "subtract_"
    lab["y"] *= 2
    yield "scale_"
    lab["ratio"] = lab["double"] / lab["y"]
    yield "divide"
    lab["square"] = lab["x"] * lab["x"]
    yield "multiply"
    lab["x"] *= lab["x"]
    yield "multiply_"
    lab["nothing"] = lab["square"] - lab["x"]
    yield "subtract"
    lab["clamped"] = lab["wte.weight"].clamp(-0.5, 0.5)
    yield "clamp"
    lab["folded"] = 2 * lab["sum"] - lab["double"]
    yield "compute"
    delete(lab, "x|y|sum|double|ratio|square|nothing|clamped|folded")
    yield "delete"


def cutting_and_joining(lab: StateDict) -> Iterator[str]:
    """Split, concat and other shapes."""
    for layer in LAYERS:
        parts = lab[f"h.{layer}.attn.c_attn.weight"].chunk(3, dim=1)
        for letter, part in zip("qkv", parts, strict=True):
            lab[f"{letter}.{layer}"] = part.clone()
    yield "split"
    for layer in LAYERS:
        lab[f"joined.{layer}"] = torch.cat([lab.pop(f"{letter}.{layer}") for letter in "qkv"], dim=1)
    yield "concat"
    for layer in LAYERS:
        lab[f"joined.{layer}"] = lab[f"joined.{layer}"].reshape(8, 3, 4, -1)
    yield "reshape_"
    for layer in LAYERS:
        lab[f"joined.{layer}"] = lab[f"joined.{layer}"].permute(1, 2, 3, 0).contiguous()
    yield "permute_"
    for layer in LAYERS:
        lab[f"back.{layer}"] = lab[f"joined.{layer}"].permute(3, 0, 1, 2).contiguous()
    yield "permute"
    for layer in LAYERS:
        lab[f"back.{layer}"] = lab[f"back.{layer}"].reshape(8, 24)
    yield "reshape_"
    for layer in LAYERS:
        lab[f"turned.{layer}"] = lab[f"back.{layer}"].T.contiguous()
    yield "transpose"
    for layer in LAYERS:
        lab[f"turned.{layer}"] = lab[f"turned.{layer}"].T.contiguous()
    yield "transpose_"


def types_and_slices(lab: StateDict) -> Iterator[str]:
    """Casts there and back, and regions of tensors."""
    for layer in LAYERS:
        lab[f"half.{layer}"] = lab[f"turned.{layer}"].to(torch.bfloat16)
    yield "cast"
    for layer in LAYERS:
        lab[f"wide.{layer}"] = lab[f"half.{layer}"].to(torch.float32)
    yield "cast"
    for layer in LAYERS:
        lab[f"wide.{layer}"] = lab[f"wide.{layer}"].to(torch.bfloat16)
    yield "cast_"
    lab["part"] = lab["wte.weight"][4:12, ::2].clone()
    yield "copy"
    lab["canvas"] = torch.zeros(32, 8)
    yield "zeroes"
    lab["canvas"][4:12, ::2] = lab["part"]
    yield "assign"


def heads(lab: StateDict) -> Iterator[str]:
    """Groups of columns out, layers renumbered."""
    kept = [0, 2, 3]
    for name in [f"turned.{layer}" for layer in LAYERS]:
        lab[name] = lab[name].view(8, 3, 4, 2)[:, :, kept].reshape(8, 18)
    yield "drop_"
    for name in [f"back.{layer}" for layer in LAYERS]:
        lab[name] = lab[name].view(8, 3, 4, 2)[:, :, kept].reshape(8, 18)
    yield "keep_"
    del lab["turned.1"]
    yield "delete"
    rename(lab, r"turned\.2", "turned.1")
    yield "renumber"
    delete(lab, r"(joined|back|turned|half|wide)\..*|part|canvas")
    yield "delete"


def factorisation(lab: StateDict) -> Iterator[str]:
    """Low-rank factors, products."""
    for layer in LAYERS:
        u, s, vh = torch.linalg.svd(lab[f"h.{layer}.mlp.c_fc.weight"], full_matrices=False)
        lab[f"a.{layer}"] = (s.sqrt()[:, None] * vh).contiguous()
        lab[f"b.{layer}"] = u * s.sqrt()
    yield "phlora"
    for layer in LAYERS:
        lab[f"product.{layer}"] = lab[f"b.{layer}"] @ lab[f"a.{layer}"]
    yield "matmul"
    u, s, vh = torch.linalg.svd(lab["product.0"], full_matrices=False)
    lab["product.0"] = (u[:, :4] * s[:4]) @ vh[:4]
    yield "phlora_"
    lab["low"] = lab["b.0"][:, :4] @ lab["a.0"][:4]
    yield "matmul"
    lab["dotted"] = lab["low"].flatten() @ lab["low"].flatten()
    yield "dot"
    lab["norm"] = (lab["low"] * lab["low"]).sum()
    yield "compute"
    delete(lab, r"(a|b|product)\..*|low|dotted|norm")
    yield "delete"


def files(state: State, models: Path) -> Iterator[str]:
    """One tensor through three formats; the whole through a file."""
    lab, saved = state["lab"], models / "mirror"
    saved.mkdir(exist_ok=True)
    weight = lab["wte.weight"]
    save_file({"wte.weight": weight}, saved / "wte.safetensors")
    yield "save"
    lab["again.safetensors"] = load_file(saved / "wte.safetensors")["wte.weight"]
    yield "load"
    torch.save({"wte.weight": weight}, saved / "wte.pt")
    yield "save"
    lab["again.torch"] = torch.load(saved / "wte.pt", weights_only=True)["wte.weight"]
    yield "load"
    numpy.save(saved / "wte.npy", weight.numpy())
    yield "save"
    lab["again.numpy"] = torch.from_numpy(numpy.load(saved / "wte.npy"))
    yield "load"
    delete(lab, r"again\..*")
    yield "delete"
    save_file(lab, saved / "whole.safetensors")
    yield "save"
    state["reloaded"] = load_file(saved / "whole.safetensors")
    yield "load"
    state["pristine"] = load_file(models / "gpt.safetensors")
    yield "load"
    yield "diff"
