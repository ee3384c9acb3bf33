"""What the names of files in a checkpoint's folder mean."""

from __future__ import annotations

import re

HIDDEN_SUFFIX = ".brainsurgery"

SUFFIXES = {
    ".safetensors": "safetensors",
    ".pt": "torch",
    ".pth": "torch",
    ".bin": "torch",
    ".ckpt": "torch",
    ".npy": "numpy",
    ".npz": "numpy",
}
"""Suffix → format. A path that ends so is one file; any other is a folder."""

DCP_INDEX = ".metadata"
"""The file that makes a folder a distributed checkpoint."""

INDEX_SUFFIX = ".index.json"
"""How the index of several shards ends, in every format that has one."""

DCP_SUFFIX = ".distcp"

_SHARD = re.compile(r"(?P<family>.+)-(?P<number>\d{3,})-of-(?P<count>\d{3,})(?P<suffix>\.\w+)")

_PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt"})
_WEIGHTS = re.compile(r"(pytorch_model|diffusion_pytorch_model|adapter_model|model|consolidated)([._-].*)?")
"""Stems of pickled files that are weights: ``training_args.bin``, ``optimizer.pt`` and so on are not."""

_BESIDE = re.compile(r"(training_args|optimizer|scheduler|scaler|random_states|rng_state).*")
"""What trainers write beside a model."""

_NOT_COMPANIONS = _PICKLED | {
    *(
        ".safetensors",
        ".h5",
        ".keras",
        ".msgpack",
        ".onnx",
        ".onnx_data",
        ".gguf",
        ".ggml",
        ".npz",
        ".npy",
        ".ot",
    ),
    *(".tflite", ".mlmodel", ".pkl", ".pickle", DCP_SUFFIX, HIDDEN_SUFFIX),
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


def format_of(name: str) -> str | None:
    """The format that a file's name tells."""
    return "dcp" if name == DCP_INDEX else SUFFIXES.get(suffix_of(name))


def is_weights(name: str) -> bool:
    """Whether a file of a checkpoint's folder holds weights, or is their index: overwriting replaces it."""
    suffix = suffix_of(name)
    if name == DCP_INDEX or suffix == DCP_SUFFIX:
        return True
    if name.startswith("."):
        return False
    if suffix == ".safetensors" or name.endswith((".safetensors.index.json", ".bin.index.json")):
        return True
    stem = name[: len(name) - len(suffix)]
    return suffix in _PICKLED and (shard_of(name) is not None or _WEIGHTS.fullmatch(stem) is not None)


def holds_model(name: str) -> bool:
    """Whether a pickled file may be a model's: what trainers write beside a model is not."""
    return suffix_of(name) in _PICKLED and _BESIDE.fullmatch(name) is None


def is_companion(name: str) -> bool:
    """Whether a file goes along to a new folder: config, tokenizer, code, text; no weights."""
    if name in _TRAINING_STATE or name == DCP_INDEX or name.endswith(".index.json"):
        return False
    return suffix_of(name) not in _NOT_COMPANIONS
