"""Read a file that ``torch.save`` wrote: its pickle, and where in the file the data of each tensor lie.

Since torch 1.6 it is a zip archive: ``NAME/data.pkl`` describes the object, ``NAME/data/KEY`` holds the bytes
of a storage. Nothing but the pickle is read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.errors import StorageError, listed
from brainsurgery_shell.graph.files import facts_of
from brainsurgery_shell.graph.tensor import StoredFile
from brainsurgery_shell.storage.container import Header
from brainsurgery_shell.storage.pickles.machine import MAX_PICKLE, Truncated
from brainsurgery_shell.storage.regular import opened, read_at
from brainsurgery_shell.storage.text import printable
from brainsurgery_shell.storage.tied import tie
from brainsurgery_shell.storage.torch.legacy import read_legacy
from brainsurgery_shell.storage.torch.state import named_views
from brainsurgery_shell.storage.torch.unpickle import Unpickled, broken, unpickle
from brainsurgery_shell.storage.torch.views import Places, Saved
from brainsurgery_shell.storage.zips.directory import MAX_DIRECTORY
from brainsurgery_shell.storage.zips.read import STORED, Archive, Member, data_start, read_archive

ZIP_SIGN = b"PK\x03\x04"

_OTHERS = (
    ("constants.pkl", "a TorchScript archive: a program, and not only tensors"),
    (".data/extern_modules", "a package of torch.package: a program, and not only tensors"),
    ("archive_format", "a program of torch.export, and not only tensors"),
)
"""Members that tell archives of torch apart, and what those are."""

_SMALL = 1 << 10
_SMALL_PICKLE = 1 << 16
"""Bytes of a pickle that describes one tensor, and of the directory around it: some 200 and 600 are usual."""


def read_torch(path: Path, shown: str) -> Header:
    """Read the headers of the torch file at ``path``, which messages call ``shown``.

    Raises:
        StorageError: it cannot be read, is broken, or wants something run.
    """
    with opened(path, shown) as fd, collector_paused():
        facts = facts_of(fd)
        zipped = read_at(fd, 0, len(ZIP_SIGN)) == ZIP_SIGN
        saved = read_zip(fd, 0, facts.size, shown) if zipped else read_legacy(fd, facts.size, shown)
        views, notes = named_views(saved.value, path.stem, shown)
        file = StoredFile(path, facts, shown)
        places = Places(file, saved)
        tensors = tie(file, {name: places.lazy(view, name) for name, view in views.items()})
        digest = hashlib.sha256(saved.pickled)
        digest.update(repr((facts.size, sorted(saved.ranges.items()))).encode())
        del saved, views  # while the collector is still off: else it looks through all of it first
    return Header({}, tensors, (file,), digest.hexdigest(), notes)


def read_zip(
    fd: int, begin: int, size: int, shown: str, known: dict[bytes, Unpickled] | None = None
) -> Saved:
    """Read the archive that is ``size`` bytes of an open file from byte ``begin`` on.

    Where many small archives are read, ``known`` keeps what their pickles say: most are alike.

    Raises:
        StorageError: it is broken, or wants something run.
        OSError: it cannot be read.
    """
    what = f"'{shown}'"
    archive = read_archive(fd, begin, size, what, MAX_DIRECTORY if known is None else _SMALL_PICKLE)
    folder = _folder(archive, shown)
    order = archive.members.get(f"{folder}byteorder")
    first = b"little" if order is None else _content(fd, order, _SMALL, shown)
    if first not in (b"little", b"big"):
        raise broken(shown, f"its byte order is {first[:20]!r}")
    most = MAX_PICKLE if known is None else _SMALL_PICKLE
    pickled = _content(fd, archive.members[f"{folder}data.pkl"], most, shown)
    found = None if known is None else known.get(pickled)
    if found is None:
        try:
            found = unpickle(pickled, 0, shown)
        except Truncated as error:
            raise broken(shown, "its data.pkl ends too early") from error
        if known is not None:
            known[pickled] = found
    ranges = {}
    for key, (numel, itemsize) in found.storages.items():
        member = archive.members.get(f"{folder}data/{key}")
        needed = numel * itemsize
        if member is None or member.size < needed:
            there = "is missing" if member is None else f"has {member.size} bytes instead of {needed}"
            raise broken(shown, f"the storage '{printable(key)}' of a tensor {there}")
        ranges[key] = (_start(fd, member, shown), member.size)
    return Saved(found.value, pickled, ranges, first == b"big")


def _folder(archive: Archive, shown: str) -> str:
    """What the names of all members begin with."""
    members = list(archive.members)
    pickles = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    first = [*pickles, *members, ""][0]
    folder = first[: first.find("/") + 1]
    for name, what in _OTHERS:
        if f"{folder}{name}" in archive.members:
            raise StorageError(
                f"cannot open '{shown}': it is {what}",
                hint="load it with torch and save its tensors: torch.save(module.state_dict(), …)",
            )
    if not pickles:
        raise broken(
            shown, f"it is a zip archive without a data.pkl; it holds {listed(members) or 'nothing'}"
        )
    if len(pickles) > 1:
        raise broken(shown, f"it is a zip archive with several: {listed(pickles)}")
    return folder


def _content(fd: int, member: Member, most: int, shown: str) -> bytes:
    if member.size > most:
        raise broken(shown, f"its '{member.name}' has {member.size} bytes, and {most} is the most")
    data = read_at(fd, _start(fd, member, shown), member.size)
    if len(data) != member.size:
        raise broken(shown, f"it was cut short while its '{member.name}' was read")
    return data


def _start(fd: int, member: Member, shown: str) -> int:
    if member.method != STORED:
        raise StorageError(
            f"cannot open '{shown}': its '{member.name}' is compressed, and torch compresses nothing",
            hint="load it with torch and save it again",
        )
    return data_start(fd, member, f"'{shown}'")
