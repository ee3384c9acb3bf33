"""The safetensors format: one header and the data behind it, without gaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage import names
from brainsurgery_shell.storage.container import Container, Header, OutFile, Output
from brainsurgery_shell.storage.layout import (
    index_file,
    phase_of,
    split_shards,
    widest_first,
)
from brainsurgery_shell.storage.safetensors.header import METADATA, read_header, write_header
from brainsurgery_shell.storage.strangers import is_safetensors


class Safetensors(Container):
    """Files that end in ``.safetensors``, and folders of them."""

    name = names.SAFETENSORS.name

    def read_file(self, path: Path, shown: str) -> Header:
        """Its header says everything."""
        return read_header(path, shown)

    def recognises(self, start: bytes) -> bool:
        """By its header."""
        return is_safetensors(start)

    def check(self, output: Output, shown: str) -> None:
        """Every dtype needs a code."""
        for name, tensor in output.tensors.items():
            if not tensor.dtype.code:
                raise StorageError(
                    f"cannot save '{shown}': safetensors has no {tensor.dtype}, as tensor '{name}' is",
                    hint="cast it first, for example cast_: target: …, to: complex64"
                    if tensor.dtype.cls == "complex"
                    else "cast it first: cast_",
                )
        if METADATA in output.tensors:
            raise StorageError(f"cannot save '{shown}': no tensor may be called '{METADATA}'", hint="move it")

    def lay_out(self, output: Output) -> list[OutFile]:
        """Shards as Hugging Face names them, with their index if there are several."""
        full = {"format": "pt", **output.metadata}
        if output.single:
            return [_file("", widest_first(output.tensors), full)]
        shards = split_shards(output.tensors, output.shard_bytes)
        files = [
            _file(names.SAFETENSORS_FILES.file(number, len(shards)), widest_first(shard), full)
            for number, shard in enumerate(shards, 1)
        ]
        return files if len(files) == 1 else [*files, index_file(names.SAFETENSORS_FILES.index, files)]


def _file(name: str, tensors: dict[str, LazyTensor], metadata: Mapping[str, str]) -> OutFile:
    header = write_header(tensors, metadata, phase_of(tensors.values()))
    offsets = []
    at = len(header)
    for tensor in tensors.values():
        offsets.append(at)
        at += tensor.nbytes
    return OutFile(name, at, ((0, header),), tensors, tuple(offsets))


FORMAT = Safetensors()
