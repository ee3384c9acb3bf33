"""Which tensor goes into which file, and where. Pure: the same tensors always give the same layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.names import ONE_FILE

PAGE = 4096
"""Bytes of a page of memory."""

_WORTH_IT = 1 << 20


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a checkpoint."""

    name: str
    tensors: dict[str, LazyTensor]
    """In the order of their data."""
    nbytes: int
    """Bytes of data, without the header."""


def plan_layout(tensors: Mapping[str, LazyTensor], shard_bytes: int | None, single_file: bool) -> list[Shard]:
    """Distribute ``tensors`` over files of at most ``shard_bytes`` bytes of data, in their order.

    A tensor larger than that gets a file of its own. There is always at least one file.
    """
    budget = None if single_file else shard_bytes
    groups: list[list[str]] = [[]]
    room = 0
    for name, tensor in tensors.items():
        size = tensor.nbytes
        if budget is not None and groups[-1] and room + size > budget:
            groups.append([])
            room = 0
        groups[-1].append(name)
        room += size
    count = len(groups)
    return [_shard(_file_name(at, count), group, tensors) for at, group in enumerate(groups, 1)]


def phase_of(shard: Shard) -> int | None:
    """Where in a page the data of ``shard`` should begin so that most of it is copied from page to page.

    A third of the time of a copy goes where source and destination lie differently in their pages. Headers
    may be padded, so it costs a few spaces. A multiple of 8 below ``PAGE``; ``None`` where it gains little.
    """
    gains: dict[int, int] = {}
    at = 0
    for tensor in shard.tensors.values():
        size = tensor.nbytes
        if tensor.file is not None and size:
            phase = (tensor.offset - at) % PAGE
            gains[phase] = gains.get(phase, 0) + size
        at += size
    best = max(gains, key=lambda phase: gains[phase], default=None)
    return best if best is not None and best % 8 == 0 and gains[best] >= _WORTH_IT else None


def index_of(shards: Sequence[Shard]) -> bytes:
    """The index of several shards, as Hugging Face writes it."""
    index = {
        "metadata": {"total_size": sum(shard.nbytes for shard in shards)},
        "weight_map": {name: shard.name for shard in shards for name in shard.tensors},
    }
    return orjson.dumps(index, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _shard(file: str, names: Iterable[str], tensors: Mapping[str, LazyTensor]) -> Shard:
    # The wide dtypes first: every tensor then begins at a multiple of its element's size, without padding,
    # and loaders may look at the bytes in place. The sort is stable.
    ordered = sorted(names, key=lambda name: -tensors[name].dtype.itemsize)
    held = {name: tensors[name] for name in ordered}
    return Shard(file, held, sum(tensor.nbytes for tensor in held.values()))


def _file_name(number: int, count: int) -> str:
    return ONE_FILE if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"
