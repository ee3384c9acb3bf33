"""Where the ``config.json`` beside saved weights disagrees with them: layers, dtype, vocabulary."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from brainsurgery_shell.graph.tensor import LazyTensor

_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_DTYPES = ("dtype", "torch_dtype")
_EMBEDDINGS = ("embed_tokens", "word_embeddings", "wte", "embed_in", "tok_embeddings", "shared")


def disagreements(folder: Path, tensors: Mapping[str, LazyTensor]) -> list[str]:
    """Sentences that say in what ``config.json`` of ``folder``, if there is one, and ``tensors`` differ."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return []
    return list(_differences(config, tensors)) if isinstance(config, dict) else []


def _differences(config: dict[str, Any], tensors: Mapping[str, LazyTensor]) -> Iterator[str]:
    key, layers = _number(config, _LAYERS)
    counts = _layer_counts(tensors)
    if layers is not None and counts and layers not in counts.values():
        prefix = max(counts, key=lambda each: counts[each])
        yield f"config.json says {key}: {layers}, the weights have {counts[prefix]} ({prefix}*)"
    key, vocabulary = _number(config, ("vocab_size",))
    rows = {
        name: tensor.shape[0]
        for name, tensor in tensors.items()
        if tensor.rank == 2 and name.split(".")[-2:-1] and name.split(".")[-2] in _EMBEDDINGS
    }
    if vocabulary is not None and rows and vocabulary not in rows.values():
        name = next(iter(rows))
        yield f"config.json says {key}: {vocabulary}, {name} has {rows[name]} rows"
    stated = next((config[each] for each in _DTYPES if isinstance(config.get(each), str)), None)
    dtypes = {tensor.dtype.name for tensor in tensors.values() if tensor.dtype.cls == "float"}
    if stated is not None and dtypes and stated.removeprefix("torch.") not in dtypes:
        yield f"config.json says dtype: {stated}, the weights are {', '.join(sorted(dtypes))}"


def _number(config: dict[str, Any], keys: tuple[str, ...]) -> tuple[str, int | None]:
    found = next((key for key in keys if type(config.get(key)) is int), "")
    return found, config.get(found)


def _layer_counts(tensors: Mapping[str, LazyTensor]) -> dict[str, int]:
    """For every prefix behind which a number stands first in names: how many numbers there are."""
    numbers: dict[str, set[str]] = {}
    for name in tensors:
        segments = name.split(".")
        at = next((at for at, segment in enumerate(segments) if segment.isdecimal()), None)
        if at is not None:
            numbers.setdefault(".".join(segments[:at]) + ".", set()).add(segments[at])
    return {prefix: len(found) for prefix, found in numbers.items()}
