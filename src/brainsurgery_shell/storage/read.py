"""Open a checkpoint: a file, or a folder with one or with shards. Only headers are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brainsurgery_shell.errors import StorageError, did_you_mean, listed
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.storage.folder import Weights, find_weights, from_index
from brainsurgery_shell.storage.header import Header, read_header
from brainsurgery_shell.storage.names import INDEX_SUFFIX, NOT_YET, SUFFIX, suffix_of
from brainsurgery_shell.storage.publish import mend

Reader = Callable[[Path, str], Header]

READERS: dict[str, Reader] = {SUFFIX: read_header}
"""File suffix → how to read such a file. A further format is a file that adds itself here."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint whose headers were read."""

    tensors: dict[str, LazyTensor]
    """Shard after shard, each in the order of its data."""
    metadata: dict[str, str]
    files: tuple[StoredFile, ...]
    folder: Path | None
    """The folder, where one was opened: config and tokenizer are there."""
    fingerprint: str
    """Depends on headers and sizes of the weight files, not on where they lie."""


def open_checkpoint(path: Path, shown: str) -> Opened:
    """Open the checkpoint at ``path``, which messages call ``shown``.

    Raises:
        StorageError: there is nothing, or no checkpoint that we read, or a broken one.
    """
    path = path.absolute()
    mend(path)
    if path.is_dir():
        weights, folder = find_weights(path, shown), path
    elif path.name.endswith(INDEX_SUFFIX) and path.exists():
        parent = str(Path(shown).parent)
        weights, folder = from_index(path.parent, path.name, parent), path.parent
    else:
        header = _reader_of(path, shown)(path, shown)
        return Opened(header.tensors, header.metadata, (header.file,), None, header.digest)
    headers = []
    for name in weights.files:
        file = folder / name
        headers.append(_reader_of(file, weights.show(name))(file, weights.show(name)))
    return _joined(weights, headers, folder)


def fingerprint_of(digests: Sequence[str]) -> str:
    """The fingerprint of a checkpoint whose files, in order, have these header digests."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _joined(weights: Weights, headers: list[Header], folder: Path) -> Opened:
    tensors: dict[str, LazyTensor] = {}
    metadata: dict[str, str] = {}
    for header in headers:
        twice = tensors.keys() & header.tensors.keys()
        if twice:
            name = min(twice)
            former = tensors[name].file
            raise StorageError(
                f"tensor '{name}' is in two shards: '{former and former.shown}' and '{header.file.shown}'",
                hint="remove the shard that does not belong here, or open one file by its name",
            )
        tensors.update(header.tensors)
        metadata = {**header.metadata, **metadata}
    _check_index(weights, tensors, {header.file.shown for header in headers})
    fingerprint = fingerprint_of([header.digest for header in headers])
    return Opened(tensors, metadata, tuple(header.file for header in headers), folder, fingerprint)


def _check_index(weights: Weights, tensors: dict[str, LazyTensor], opened: set[str]) -> None:
    """The headers are the truth, but an index that contradicts them means that the folder is a mixture."""
    for name, shard in weights.weight_map.items():
        tensor = tensors.get(name)
        where = tensor.file.shown if tensor is not None and tensor.file is not None else None
        if where == weights.show(shard):
            continue
        truth = f"it is in '{where}'" if where is not None else "no shard has it"
        raise StorageError(
            f"the index '{weights.index}' contradicts its shards: "
            f"it says that tensor '{name}' is in '{shard}', but {truth}",
            hint="the folder seems to be a mixture of two checkpoints: copy or download it again",
        )


def _reader_of(path: Path, shown: str) -> Reader:
    suffix = suffix_of(path.name)
    reader = READERS.get(suffix)
    try:
        if reader is not None and path.exists():
            return reader
        if not path.exists():
            raise _missing(path, shown)
        if suffix in NOT_YET:
            raise StorageError(
                f"cannot open '{shown}': the {NOT_YET[suffix]} format is not supported yet",
                hint="convert it to safetensors, which is",
            )
        with path.open("rb") as file:
            if file.read(10)[8:9] == b"{":  # a blob of a download cache has no suffix
                return read_header
    except OSError as error:
        raise StorageError(f"cannot read '{shown}': {error.strerror or error}") from error
    raise StorageError(
        f"cannot open '{shown}': it is in no format that is known here",
        hint=f"checkpoints are files that end in {listed(sorted(READERS))}, or folders that hold such files",
    )


def _missing(path: Path, shown: str) -> StorageError:
    """Say which part of the path does not exist, and what is there instead."""
    lost = path
    while not lost.parent.exists() and lost.parent != lost:
        lost = lost.parent
    hint = None
    if lost.parent.is_dir():
        near = did_you_mean(lost.name, sorted(path.name for path in lost.parent.iterdir()))
        hint = near if near is not None or lost == path else f"the folder '{lost}' does not exist"
    return StorageError(f"there is no file or folder '{shown}'", hint=hint)
