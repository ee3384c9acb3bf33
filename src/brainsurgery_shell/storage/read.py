"""Open a checkpoint: a file, or a folder with one or with shards. Only headers are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brainsurgery_shell.errors import StorageError, did_you_mean, listed
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.storage.container import Container, Header
from brainsurgery_shell.storage.folder import Weights, find_weights, from_index
from brainsurgery_shell.storage.formats import container, formats, suffixes
from brainsurgery_shell.storage.names import DCP_INDEX, DCP_SUFFIX, INDEX_SUFFIX, format_of, suffix_of
from brainsurgery_shell.storage.output.publish import mend


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
    notes: tuple[str, ...] = ()
    """What a user should know."""


def open_checkpoint(path: Path, shown: str, layout: str | None = None) -> Opened:
    """Open the checkpoint at ``path``, which messages call ``shown``.

    ``layout`` is the format of a file whose name does not tell it.

    Raises:
        StorageError: there is nothing, or no checkpoint that we read, or a broken one.
    """
    path = path.absolute()
    mend(path)
    if path.is_dir():
        weights, folder = find_weights(path, shown, layout), path
    elif path.name == DCP_INDEX and path.exists():
        weights, folder = Weights(str(Path(shown).parent), (DCP_INDEX,)), path.parent
    elif path.name.endswith(INDEX_SUFFIX) and path.exists():
        parent = str(Path(shown).parent)
        weights, folder = from_index(path.parent, path.name, parent), path.parent
    else:
        header = _reader_of(path, shown, layout).read_file(path, shown)
        return Opened(header.tensors, header.metadata, header.files, None, header.digest, header.notes)
    headers = []
    for name in weights.files:
        file = folder / name
        headers.append(_reader_of(file, weights.show(name), layout).read_file(file, weights.show(name)))
    return _joined(weights, headers, folder)


def fingerprint_of(digests: Sequence[str]) -> str:
    """The fingerprint of a checkpoint whose files, in order, have these header digests."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _joined(weights: Weights, headers: list[Header], folder: Path) -> Opened:
    tensors: dict[str, LazyTensor] = {}
    metadata: dict[str, str] = {}
    shards: dict[str, str] = {}
    for shard, header in zip(weights.files, headers, strict=True):
        twice = tensors.keys() & header.tensors.keys()
        if twice:
            name = min(twice)
            raise StorageError(
                f"tensor '{name}' is in two shards: "
                f"'{weights.show(shards[name])}' and '{weights.show(shard)}'",
                hint="remove the shard that does not belong here, or open one file by its name",
            )
        tensors.update(header.tensors)
        metadata = {**header.metadata, **metadata}
        if weights.weight_map or len(headers) > 1:
            shards |= dict.fromkeys(header.tensors, shard)
    _check_index(weights, shards)
    files = tuple(file for header in headers for file in header.files)
    fingerprint = fingerprint_of([header.digest for header in headers])
    notes = tuple(dict.fromkeys(note for header in headers for note in header.notes))
    return Opened(tensors, metadata, files, folder, fingerprint, notes)


def _check_index(weights: Weights, shards: dict[str, str]) -> None:
    """The headers are the truth, but an index that contradicts them means that the folder is a mixture."""
    for name, shard in weights.weight_map.items():
        where = shards.get(name)
        if where == shard:
            continue
        truth = f"it is in '{weights.show(where)}'" if where is not None else "no shard has it"
        raise StorageError(
            f"the index '{weights.index}' contradicts its shards: "
            f"it says that tensor '{name}' is in '{shard}', but {truth}",
            hint="the folder seems to be a mixture of two checkpoints: copy or download it again",
        )


def _reader_of(path: Path, shown: str, layout: str | None) -> Container:
    try:
        if not path.exists():
            raise _missing(path, shown)
        named = layout or format_of(path.name)
        if named is not None:
            return container(named)
        if suffix_of(path.name) == DCP_SUFFIX:
            raise StorageError(
                f"cannot open '{shown}': it is a part of a distributed checkpoint",
                hint=f"open its folder: '{Path(shown).parent}'",
            )
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise StorageError(f"cannot read '{shown}': {error.strerror or error}") from error
    for name in formats():
        if container(name).recognises(start):  # a blob of a download cache has no suffix
            return container(name)
    raise StorageError(
        f"cannot open '{shown}': it is in no format that is known here",
        hint=f"checkpoints are files that end in {listed(suffixes())}, or folders that hold such files",
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
