"""What a format of checkpoints on disk is: how its files are read, and how its output is laid out.

A format opens headers and lays out bytes; it never touches the data. Reading data, streaming it, and making
an output appear at once are the same for all formats, and live elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile


@dataclass(frozen=True, slots=True)
class Seal:
    """A part of what depends on the data of a file. The parts can be worked out at the same time."""

    nbytes: int
    """How much of the data it reads."""
    fill: Callable[[int, Callable[[int], None]], Iterator[tuple[int, bytes]]]
    """From a readable descriptor of the file, whose data are complete, to what is still to be written where.
    The second argument is called with the bytes read since; it may raise to stop."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the headers of one file (or of files that belong together) say."""

    metadata: dict[str, str]
    tensors: dict[str, LazyTensor]
    """In the order of their data."""
    files: tuple[StoredFile, ...]
    digest: str
    """A SHA-256 over what describes the tensors, and the files' sizes."""
    notes: tuple[str, ...] = ()
    """What a user should know: entries that are no tensors and were left aside."""


@dataclass(frozen=True, slots=True)
class OutFile:
    """One file of an output: literal bytes, the data of tensors, and zeros where there is neither."""

    name: str
    """Relative to the folder that is written; empty where it is all of the output."""
    size: int
    """Bytes of the whole file."""
    literals: tuple[tuple[int, bytes], ...]
    """Byte offset and bytes, written before any data."""
    tensors: dict[str, LazyTensor] = field(default_factory=dict)
    """In the order of their data."""
    offsets: tuple[int, ...] = ()
    """Where the data of each tensor begins; ascending."""
    seals: tuple[Seal, ...] = ()
    """What depends on the data (checksums), written last."""
    weights: bool = True
    """Whether it holds tensors, and is not an index."""


@dataclass(frozen=True, slots=True)
class Output:
    """What is to be laid out."""

    tensors: Mapping[str, LazyTensor]
    single: bool
    """One file, and not a folder."""
    shard_bytes: int | None = None
    """Bytes of data of one file in a folder, at most."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The source's, for formats that have a place for it."""


class Container(ABC):
    """A format of checkpoints."""

    name: ClassVar[str]
    """As ``format:`` says it."""
    ties: ClassVar[bool] = False
    """Whether names that share their data still do when it is read again."""

    def variant(self, suffix: str) -> Container:
        """The format as single files with this suffix use it, where that matters."""
        return self

    @abstractmethod
    def read_file(self, path: Path, shown: str) -> Header:
        """Read the headers of the file at ``path``, which messages call ``shown``.

        Raises:
            StorageError: the file cannot be read, or breaks a rule of the format.
        """

    def recognises(self, start: bytes) -> bool:
        """Whether a file without a known suffix is of this format, by its first 64 bytes."""
        return False

    @abstractmethod
    def check(self, output: Output, shown: str) -> None:
        """Check that ``output`` can be saved; ``shown`` is how messages call its place.

        Raises:
            StorageError: the format cannot hold one of them, or not all of them.
        """

    @abstractmethod
    def lay_out(self, output: Output) -> list[OutFile]:
        """The files of an output, index included. Pure: the same tensors always give the same files."""
