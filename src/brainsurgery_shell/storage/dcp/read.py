"""Read a distributed checkpoint: its metadata, and where in its files the chunks of each tensor lie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.errors import StorageError, listed
from brainsurgery_shell.graph.build import empty
from brainsurgery_shell.graph.files import facts_of
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile
from brainsurgery_shell.storage.container import Header
from brainsurgery_shell.storage.dcp.boxes import assemble
from brainsurgery_shell.storage.dcp.metadata import Chunk, Described, broken, parse_metadata
from brainsurgery_shell.storage.invalid import CUT_OFF
from brainsurgery_shell.storage.pickles.machine import MAX_PICKLE
from brainsurgery_shell.storage.regular import opened, read_at
from brainsurgery_shell.storage.strangers import is_safetensors, stranger
from brainsurgery_shell.storage.torch.globals import View
from brainsurgery_shell.storage.torch.read import read_zip
from brainsurgery_shell.storage.torch.unpickle import Unpickled
from brainsurgery_shell.storage.torch.views import Places


class _Wanted(NamedTuple):
    """A chunk and the tensor that it is a part of."""

    name: str
    tensor: Described
    chunk: Chunk


def read_dcp(path: Path, shown: str) -> Header:
    """Read the checkpoint whose ``.metadata`` is at ``path``, which messages call ``shown``.

    Raises:
        StorageError: a file of it is missing, cut off or broken, or wants something run.
    """
    with collector_paused():
        with opened(path, shown) as fd:
            facts = facts_of(fd)
            raw = read_at(fd, 0, min(facts.size, MAX_PICKLE + 1))
        if len(raw) > MAX_PICKLE:
            raise broken(shown, f"it has {facts.size} bytes, and {MAX_PICKLE} is the most allowed")
        stray = stranger(raw[:64])
        if stray is not None:
            raise broken(shown, f"it is {stray[0]}", stray[1])
        tensors, others = parse_metadata(raw, shown)
        files = [StoredFile(path, facts, shown)]
        boxes: dict[str, dict[tuple[int, ...], LazyTensor]] = {name: {} for name in tensors}
        for name, wanted in _by_file(tensors, shown).items():
            files.append(_read_file(path.parent / name, str(Path(shown).parent / name), wanted, boxes))
        found = {name: _joined(name, each, boxes[name], shown) for name, each in tensors.items()}
    digest = hashlib.sha256(raw)
    digest.update(repr([file.facts.size for file in files]).encode())
    notes = (f"left aside what is no tensor: {listed(others)}",) if others else ()
    return Header({}, found, tuple(files), digest.hexdigest(), notes)


def _by_file(tensors: Mapping[str, Described], shown: str) -> dict[str, list[_Wanted]]:
    """The chunks that hold elements, in the order of their files."""
    wanted: dict[str, list[_Wanted]] = {}
    for name, tensor in tensors.items():
        for chunk in tensor.chunks:
            if not {len(chunk.offsets), len(chunk.sizes)} == {len(tensor.shape)}:
                raise broken(shown, f"a chunk of tensor '{name}' has another rank than the tensor")
            if 0 not in chunk.sizes:
                wanted.setdefault(chunk.file, []).append(_Wanted(name, tensor, chunk))
    for file, chunks in wanted.items():
        if not file or "\0" in file or file.startswith("/") or ".." in Path(file).parts:
            raise StorageError(f"'{shown}' names the file '{file}', which is not in its folder")
        chunks.sort(key=lambda each: each.chunk.begin)
    return wanted


def _read_file(
    path: Path, shown: str, wanted: list[_Wanted], boxes: dict[str, dict[tuple[int, ...], LazyTensor]]
) -> StoredFile:
    """Find the chunks of one file and put them into ``boxes``, by name and offsets."""
    if not path.exists():
        raise StorageError(
            f"'{shown}' is missing: tensor '{wanted[0].name}' is in it",
            hint="copy or download the folder again",
        )
    with opened(path, shown) as fd:
        file = StoredFile(path, facts_of(fd), shown)
        if is_safetensors(read_at(fd, 0, 16)):
            raise StorageError(
                f"cannot open '{shown}': its writer was told to write safetensors, which leaves no chunks",
                hint="give the file a name that ends in .safetensors, and open it by that",
            )
        known: dict[bytes, Unpickled] = {}
        for name, tensor, chunk in wanted:
            if chunk.begin + chunk.length > file.facts.size:
                raise broken(
                    shown,
                    f"tensor '{name}' should lie at bytes {chunk.begin} to {chunk.begin + chunk.length}, "
                    f"and the file has {file.facts.size}",
                    CUT_OFF,
                )
            boxes[name][chunk.offsets] = _chunk(fd, file, name, tensor, chunk, known)
    return file


def _chunk(
    fd: int, file: StoredFile, name: str, tensor: Described, chunk: Chunk, known: dict[bytes, Unpickled]
) -> LazyTensor:
    saved = read_zip(fd, chunk.begin, chunk.length, f"{file.shown}: {name}", known)
    if not isinstance(saved.value, View):
        raise broken(file.shown, f"there is no tensor at byte {chunk.begin}, where '{name}' should lie")
    found = Places(file, saved).lazy(saved.value, name)
    if found.dtype is not tensor.dtype or found.shape != chunk.sizes:
        raise broken(
            file.shown,
            f"tensor '{name}' should lie at byte {chunk.begin} as {tensor.dtype} {list(chunk.sizes)}, "
            f"and there is {found.dtype} {list(found.shape)}",
        )
    return found


def _joined(
    name: str, tensor: Described, boxes: Mapping[tuple[int, ...], LazyTensor], shown: str
) -> LazyTensor:
    if 0 in tensor.shape:
        return empty(tensor.shape, tensor.dtype)
    found = assemble([*boxes.items()], tensor.shape)
    if found is None:
        raise broken(
            shown,
            f"the chunks of tensor '{name}' do not make up {list(tensor.shape)}: they overlap or leave gaps",
        )
    return found
