"""The one table of formats, and what the names of files mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

HIDDEN_SUFFIX = ".brainsurgery"

DCP_INDEX = ".metadata"
"""The file that makes a folder a distributed checkpoint."""

DCP_SUFFIX = ".distcp"

INDEX_SUFFIX = ".index.json"
"""How the index of several shards ends, in every format that has one."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How Hugging Face calls the files of a folder in one format."""

    stem: str
    suffix: str

    def file(self, number: int = 1, count: int = 1) -> str:
        """The file with a number from 1 to ``count``."""
        return (
            f"{self.stem}{self.suffix}"
            if count == 1
            else f"{self.stem}-{number:05d}-of-{count:05d}{self.suffix}"
        )

    @property
    def index(self) -> str:
        """The index of several files."""
        return self.file() + INDEX_SUFFIX


@dataclass(frozen=True, slots=True)
class Format:
    """How a format's files are called. What is in them is the business of the package with its name."""

    name: str
    """As ``format:`` says it."""
    suffixes: tuple[str, ...] = ()
    """Of single files. A path that ends so is one file; any other is a folder."""
    naming: Naming | None = None
    """In a folder, if the format has its own names there."""
    index: str | None = None
    """The file that stands for a whole folder, if it needs one."""
    shares_suffixes: bool = False
    """Whether much else has these suffixes: ``training_args.bin`` and ``optimizer.pt`` are no weights."""


SAFETENSORS_FILES = Naming("model", ".safetensors")
TORCH_FILES = Naming("pytorch_model", ".bin")

SAFETENSORS = Format("safetensors", (".safetensors",), SAFETENSORS_FILES)
DCP = Format("dcp", index=DCP_INDEX)
TORCH = Format("torch", (".pt", ".pth", ".bin", ".ckpt"), TORCH_FILES, shares_suffixes=True)
NUMPY = Format("numpy", (".npy", ".npz"))

FORMATS = (SAFETENSORS, DCP, TORCH, NUMPY)
"""In the order in which a folder is searched."""

SUFFIXES = {suffix: each.name for each in FORMATS for suffix in each.suffixes}
"""Suffix → format."""

_SHARD = re.compile(r"(?P<family>.+)-(?P<number>\d{3,})-of-(?P<count>\d{3,})(?P<suffix>\.\w+)")

_SHARED = frozenset(suffix for each in FORMATS if each.shares_suffixes for suffix in each.suffixes)
_OWN = frozenset(each.naming.suffix for each in FORMATS if each.naming and not each.shares_suffixes)
_INDEXES = tuple(each.naming.suffix + INDEX_SUFFIX for each in FORMATS if each.naming)

_WEIGHTS = re.compile(r"(pytorch_model|diffusion_pytorch_model|adapter_model|model|consolidated)([._-].*)?")
"""Stems of files that are weights, where the suffix does not tell."""

_BESIDE = re.compile(r"(training_args|optimizer|scheduler|scaler|random_states|rng_state).*")
"""What trainers write beside a model."""

_OTHER_WEIGHTS = frozenset(
    (
        *(".h5", ".keras", ".msgpack", ".onnx", ".onnx_data", ".gguf", ".ggml", ".ot", ".tflite"),
        *(".mlmodel", ".pkl", ".pickle", DCP_SUFFIX, HIDDEN_SUFFIX),
    )
)
"""Suffixes of formats that are not read here, and of parts."""

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
    whole = next((each.name for each in FORMATS if each.index == name), None)
    return whole or SUFFIXES.get(suffix_of(name))


def is_weights(name: str) -> bool:
    """Whether a file of a checkpoint's folder holds weights, or is their index, by its name alone."""
    suffix = suffix_of(name)
    if name == DCP_INDEX or suffix == DCP_SUFFIX:
        return True
    if name.startswith("."):
        return False
    if suffix in _OWN or name.endswith(_INDEXES):
        return True
    stem = name[: len(name) - len(suffix)]
    return suffix in _SHARED and (shard_of(name) is not None or _WEIGHTS.fullmatch(stem) is not None)


def holds_model(name: str) -> bool:
    """Whether a file may be a model's: what trainers write beside a model is not."""
    return _BESIDE.fullmatch(name) is None


def is_companion(name: str) -> bool:
    """Whether a file goes along to a new folder: config, tokenizer, code, text; no weights."""
    if name in _TRAINING_STATE or name == DCP_INDEX or name.endswith(INDEX_SUFFIX):
        return False
    suffix = suffix_of(name)
    return suffix not in SUFFIXES and suffix not in _OTHER_WEIGHTS
