"""The format of ``torch.distributed.checkpoint``: a folder with ``.metadata`` and files of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.container import Container, Header, OutFile
from brainsurgery_shell.storage.dcp.read import read_dcp
from brainsurgery_shell.storage.dcp.write import lay_out_dcp
from brainsurgery_shell.storage.layout import split_shards
from brainsurgery_shell.storage.torch.files import FORMAT as TORCH


class Distributed(Container):
    """Always a folder. Its metadata stand for all of its files."""

    name = "dcp"
    suffixes = ()

    def read_file(self, path: Path, shown: str) -> Header:
        """The metadata, and the headers of what they name."""
        return read_dcp(path, shown)

    def check(self, tensors: Mapping[str, LazyTensor], single: bool, shown: str) -> None:
        """The chunks are torch files."""
        TORCH.check(tensors, single, shown)

    def lay_out(
        self,
        tensors: Mapping[str, LazyTensor],
        *,
        shard_bytes: int | None,
        single: bool,
        metadata: Mapping[str, str],
    ) -> list[OutFile]:
        """As one process writes it, in files of at most ``shard_bytes``. There is no place for metadata."""
        return lay_out_dcp(split_shards(tensors, shard_bytes))


FORMAT = Distributed()
