"""What the names of files in a checkpoint's folder mean."""

from __future__ import annotations

import re

SUFFIX = ".safetensors"
INDEX_SUFFIX = ".safetensors.index.json"
ONE_FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"
HIDDEN_SUFFIX = ".brainsurgery"

NOT_YET = {
    ".pt": "torch",
    ".pth": "torch",
    ".bin": "torch",
    ".ckpt": "torch",
    ".npy": "numpy",
    ".npz": "numpy",
    ".distcp": "dcp",
}
"""Suffixes of formats that have no reader or writer here yet, and what the formats are called."""

_SHARD = re.compile(r"(?P<family>.+)-(?P<number>\d{3,})-of-(?P<count>\d{3,})(?P<suffix>\.\w+)")

_PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt"})
_WEIGHTS = re.compile(r"(pytorch_model|diffusion_pytorch_model|adapter_model|model|consolidated)([._-].*)?")
"""Stems of pickled files that are weights: ``training_args.bin``, ``optimizer.pt`` and so on are not."""

_NOT_COMPANIONS = _PICKLED | {
    *(SUFFIX, ".h5", ".keras", ".msgpack", ".onnx", ".onnx_data", ".gguf", ".ggml", ".npz", ".npy", ".ot"),
    *(".tflite", ".mlmodel", ".pkl", ".pickle", ".distcp", HIDDEN_SUFFIX),
}
_TRAINING_STATE = frozenset({"trainer_state.json"})


def shard_of(name: str) -> tuple[str, int, int] | None:
    """Family (with suffix), number and count of ``model-00002-of-00005.safetensors``; else ``None``."""
    found = _SHARD.fullmatch(name)
    if found is None:
        return None
    return found["family"] + found["suffix"], int(found["number"]), int(found["count"])


def suffix_of(name: str) -> str:
    """The last suffix in lower case, with its dot; empty if there is none."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if stem and dot else ""


def is_weights(name: str) -> bool:
    """Whether a file of a checkpoint's folder holds weights, or is their index: overwriting replaces it."""
    suffix = suffix_of(name)
    if name.startswith("."):
        return False
    if suffix == SUFFIX or name.endswith((INDEX_SUFFIX, ".bin.index.json")):
        return True
    stem = name[: len(name) - len(suffix)]
    return suffix in _PICKLED and (shard_of(name) is not None or _WEIGHTS.fullmatch(stem) is not None)


def is_companion(name: str) -> bool:
    """Whether a file goes along to a new folder: config, tokenizer, code, text; no weights."""
    if name in _TRAINING_STATE or name.endswith(".index.json"):
        return False
    return suffix_of(name) not in _NOT_COMPANIONS
