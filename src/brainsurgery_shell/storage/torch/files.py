"""The torch format: what ``torch.save`` writes and ``torch.load`` reads, one file or shards."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage import names
from brainsurgery_shell.storage.container import Container, Header, OutFile, Output
from brainsurgery_shell.storage.layout import index_file, split_shards
from brainsurgery_shell.storage.tied import is_tied
from brainsurgery_shell.storage.torch.legacy import LEGACY_SIGN
from brainsurgery_shell.storage.torch.pickle import Entry, pickle_tensors
from brainsurgery_shell.storage.torch.read import ZIP_SIGN, read_torch
from brainsurgery_shell.storage.zips.layout import Member, lay_out_zip, seals_of

_FOLDER = "archive"
"""What the names of all members begin with; torch takes the file's stem, or this where there is none."""


class Torch(Container):
    """Files that end in ``.pt``, ``.pth``, ``.bin`` or ``.ckpt``, and folders of ``.bin`` files."""

    name = names.TORCH.name
    ties = True

    def read_file(self, path: Path, shown: str) -> Header:
        """Its pickle says everything, and nothing of it is run."""
        return read_torch(path, shown)

    def recognises(self, start: bytes) -> bool:
        """Archives begin with the pickle; before torch 1.6 there was a magic number."""
        return start.startswith(LEGACY_SIGN) or (start.startswith(ZIP_SIGN) and b".npy" not in start)

    def check(self, output: Output, shown: str) -> None:
        """Every dtype but the packed ones is torch's."""
        for name, tensor in output.tensors.items():
            if tensor.dtype.packed:
                raise StorageError(
                    f"cannot save '{shown}': torch has no {tensor.dtype}, as tensor '{name}' is",
                    hint="save it as safetensors",
                )

    def lay_out(self, output: Output) -> list[OutFile]:
        """Shards as Hugging Face names them, with their index if there are several. Metadata has no place."""
        if output.single:
            return [_file("", output.tensors)]
        shards = _shards(output.tensors, output.shard_bytes)
        files = [
            _file(names.TORCH_FILES.file(number, len(shards)), shard)
            for number, shard in enumerate(shards, 1)
        ]
        return files if len(files) == 1 else [*files, index_file(names.TORCH_FILES.index, files, shards)]


def _shards(tensors: Mapping[str, LazyTensor], shard_bytes: int | None) -> list[dict[str, LazyTensor]]:
    """Names that are one tensor go into one shard: in two of them they would be two tensors."""
    groups: dict[Hashable, dict[str, LazyTensor]] = {}
    for name, tensor in tensors.items():
        groups.setdefault(_identity(name, tensor), {})[name] = tensor
    firsts = {next(iter(group)): group for group in groups.values()}
    shards = split_shards({first: group[first] for first, group in firsts.items()}, shard_bytes)
    if len(shards) == 1:
        return [dict(tensors)]
    return [{name: tensors[name] for first in shard for name in firsts[first]} for shard in shards]


def _file(name: str, tensors: Mapping[str, LazyTensor]) -> OutFile:
    """One archive. Names that are one tensor share its storage, and stay tied when they are loaded."""
    keys: dict[Hashable, str] = {}
    entries: dict[str, Entry] = {}
    stored: dict[str, LazyTensor] = {}
    members: list[Member] = []
    for each, tensor in tensors.items():
        same = _identity(each, tensor)
        if same not in keys:
            keys[same] = str(len(keys))
            members.append(Member(f"{_FOLDER}/data/{keys[same]}", nbytes=tensor.nbytes))
            if tensor.nbytes:
                stored[each] = tensor
        entries[each] = Entry(keys[same], tensor)
    layout = lay_out_zip(
        [
            Member(f"{_FOLDER}/data.pkl", pickle_tensors(entries)),
            Member(f"{_FOLDER}/byteorder", b"little"),
            *members,
            Member(f"{_FOLDER}/version", b"3\n"),
        ]
    )
    return OutFile(name, layout.end, layout.literals, stored, layout.starts, seals_of(layout.sums))


def _identity(name: str, tensor: LazyTensor) -> Hashable:
    """What tied names have in common, and no others."""
    return tensor if is_tied(tensor) else name


FORMAT = Torch()
