"""Which tensor goes into which file. Pure: the same tensors always give the same layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.container import OutFile

PAGE = 4096
"""Bytes of a page of memory."""

_WORTH_IT = 1 << 20


def split_shards(tensors: Mapping[str, LazyTensor], shard_bytes: int | None) -> list[dict[str, LazyTensor]]:
    """Distribute ``tensors`` over shards of at most ``shard_bytes`` bytes of data, in their order.

    A tensor larger than that gets a shard of its own. There is always at least one shard.
    """
    groups: list[dict[str, LazyTensor]] = [{}]
    room = 0
    for name, tensor in tensors.items():
        size = tensor.nbytes
        if shard_bytes is not None and groups[-1] and room + size > shard_bytes:
            groups.append({})
            room = 0
        groups[-1][name] = tensor
        room += size
    return groups


def widest_first(tensors: Mapping[str, LazyTensor]) -> dict[str, LazyTensor]:
    """The tensors with wide dtypes before narrow ones.

    Every tensor then begins at a multiple of its element's size without padding, so that loaders may look at
    the bytes in place. The sort is stable.
    """
    return dict(sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize))


def total_bytes(tensors: Iterable[LazyTensor]) -> int:
    """Bytes of their data."""
    return sum(tensor.nbytes for tensor in tensors)


def phase_of(tensors: Iterable[LazyTensor]) -> int | None:
    """Where in a page the data of ``tensors`` should begin so that most is copied from page to page.

    A third of the time of a copy goes where source and destination lie differently in their pages. Headers
    may be padded, so it costs a few spaces. A multiple of 8 below ``PAGE``; ``None`` where it gains little.
    """
    gains: dict[int, int] = {}
    at = 0
    for tensor in tensors:
        size = tensor.nbytes
        if tensor.file is not None and size:
            phase = (tensor.offset - at) % PAGE
            gains[phase] = gains.get(phase, 0) + size
        at += size
    best = max(gains, key=lambda phase: gains[phase], default=None)
    return best if best is not None and best % 8 == 0 and gains[best] >= _WORTH_IT else None


def index_file(name: str, files: Sequence[OutFile], names: Sequence[Iterable[str]] | None = None) -> OutFile:
    """The index of several files, as Hugging Face writes it.

    ``names`` are those of the tensors in each file, where some lie in it that are not written by themselves.
    """
    held = [file.tensors for file in files] if names is None else names
    index = {
        "metadata": {"total_size": sum(total_bytes(file.tensors.values()) for file in files)},
        "weight_map": {tensor: file.name for file, each in zip(files, held, strict=True) for tensor in each},
    }
    text = orjson.dumps(index, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    return OutFile(name, len(text), ((0, text),), weights=False)
