"""The pickle in a torch file: the object it describes, and the storages that lie outside of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.storage.invalid import invalid
from brainsurgery_shell.storage.pickles.machine import BadPickle, Forbidden, Machine
from brainsurgery_shell.storage.pickles.opcodes import OPERATIONS
from brainsurgery_shell.storage.torch.globals import Odd, Storage, StorageKind, forbidden, lookup

_LARGEST = 2**63 - 1


class Unpickled(NamedTuple):
    """What a pickle says."""

    value: object
    end: int
    """The byte behind it."""
    storages: dict[str, tuple[int, int]]
    """Key → elements and bytes of an element, of every storage that it refers to, in order."""


def unpickle(data: bytes, at: int, shown: str) -> Unpickled:
    """The object of the pickle that begins at byte ``at`` of ``data``; ``shown`` is the file's name.

    Raises:
        StorageError: it wants something run, or is broken.
        Truncated: ``data`` ends too early.
    """
    storages: dict[str, tuple[int, int]] = {}

    def persistent(found: Any) -> object:
        storage = _storage(found)
        if type(storage) is Storage:
            storages.setdefault(storage.key, (found[4], storage.dtype.itemsize))
        return storage

    machine = Machine(data, at, lookup, persistent)
    try:
        value = machine.run(OPERATIONS)
    except Forbidden as error:
        raise forbidden(error.name, shown) from error
    except BadPickle as error:
        raise broken(shown, f"{error} (byte {machine.at})") from error
    return Unpickled(value, machine.at, storages)


def broken(shown: str, problem: str, hint: str | None = None) -> StorageError:
    """The error of a file that is not what its name says."""
    return invalid(f"'{shown}'", "torch file", problem, hint)


def storage_name(key: object) -> str | None:
    """A storage's key as text, if it is one; Python 2 wrote bytes."""
    if type(key) is bytes:
        return key.decode("utf-8", "replace")
    return str(key) if type(key) in (str, int) else None


def _storage(found: Any) -> object:
    """The storage that a persistent id names: 'storage', class, key, device, length, and a part of it."""
    if type(found) is not tuple or not 5 <= len(found) <= 6 or found[0] not in ("storage", b"storage"):
        raise BadPickle("it refers to something else than a storage")
    kind, _, _, numel = found[1:5]
    name = storage_name(found[2])
    if type(kind) is not StorageKind or name is None or not _is_size(numel):
        raise BadPickle("it does not name a storage as torch does")
    if kind.dtype is None:
        return Odd(f"is quantized: its data are {kind.name}")
    part = found[5] if len(found) == 6 else None
    if part is None:
        return Storage(name, kind.dtype, numel)
    if type(part) is not tuple or len(part) != 3 or not _is_size(part[1]) or not _is_size(part[2]):
        raise BadPickle("it does not name a part of a storage as torch does")
    return Storage(name, kind.dtype, part[2], part[1] * kind.dtype.itemsize)


def _is_size(found: object) -> bool:
    return type(found) is int and 0 <= found <= _LARGEST
