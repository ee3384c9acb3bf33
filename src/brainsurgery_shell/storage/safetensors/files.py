"""The safetensors format: one header and the data behind it, without gaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.container import Container, Header, OutFile
from brainsurgery_shell.storage.layout import (
    Naming,
    index_file,
    phase_of,
    split_shards,
    widest_first,
)
from brainsurgery_shell.storage.safetensors.header import METADATA, read_header, write_header

_NAMING = Naming("model", ".safetensors")


class Safetensors(Container):
    """Files that end in ``.safetensors``, and folders of them."""

    name = "safetensors"
    suffixes = (".safetensors",)

    def read_file(self, path: Path, shown: str) -> Header:
        """Its header says everything."""
        return read_header(path, shown)

    def recognises(self, start: bytes) -> bool:
        """The header is JSON, behind 8 bytes with its length."""
        return start[8:9] == b"{"

    def check(self, tensors: Mapping[str, LazyTensor], single: bool, shown: str) -> None:
        """Every dtype needs a code."""
        for name, tensor in tensors.items():
            if not tensor.dtype.code:
                raise StorageError(
                    f"cannot save '{shown}': safetensors has no {tensor.dtype}, as tensor '{name}' is",
                    hint="cast it first, for example cast_: target: …, to: complex64"
                    if tensor.dtype.cls == "complex"
                    else "cast it first: cast_",
                )
        if METADATA in tensors:
            raise StorageError(f"cannot save '{shown}': no tensor may be called '{METADATA}'", hint="move it")

    def lay_out(
        self,
        tensors: Mapping[str, LazyTensor],
        *,
        shard_bytes: int | None,
        single: bool,
        metadata: Mapping[str, str],
    ) -> list[OutFile]:
        """Shards as Hugging Face names them, with their index if there are several."""
        shards = split_shards(tensors, None if single else shard_bytes)
        full = {"format": "pt", **metadata}
        files = [
            _file(_NAMING.file(number, len(shards)), widest_first(shard), full)
            for number, shard in enumerate(shards, 1)
        ]
        return files if len(files) == 1 else [*files, index_file(_NAMING.index, files)]


def _file(name: str, tensors: dict[str, LazyTensor], metadata: Mapping[str, str]) -> OutFile:
    header = write_header(tensors, metadata, phase_of(tensors.values()))
    offsets = []
    at = len(header)
    for tensor in tensors.values():
        offsets.append(at)
        at += tensor.nbytes
    return OutFile(name, at, ((0, header),), tensors, tuple(offsets))


FORMAT = Safetensors()
