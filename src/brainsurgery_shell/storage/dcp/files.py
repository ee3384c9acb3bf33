"""The format of ``torch.distributed.checkpoint``: a folder with ``.metadata`` and files of tensors."""

from __future__ import annotations

from pathlib import Path

from brainsurgery_shell.storage import names
from brainsurgery_shell.storage.container import Container, Header, OutFile, Output
from brainsurgery_shell.storage.dcp.read import read_dcp
from brainsurgery_shell.storage.dcp.write import lay_out_dcp
from brainsurgery_shell.storage.layout import split_shards
from brainsurgery_shell.storage.torch.files import FORMAT as TORCH


class Distributed(Container):
    """Always a folder. Its metadata stand for all of its files."""

    name = names.DCP.name

    def read_file(self, path: Path, shown: str) -> Header:
        """The metadata, and the headers of what they name."""
        return read_dcp(path, shown)

    def check(self, output: Output, shown: str) -> None:
        """The chunks are torch files."""
        TORCH.check(output, shown)

    def lay_out(self, output: Output) -> list[OutFile]:
        """As one process writes it. There is no place for metadata."""
        return lay_out_dcp(split_shards(output.tensors, output.shard_bytes))


FORMAT = Distributed()
