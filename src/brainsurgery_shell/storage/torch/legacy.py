"""The torch files of before 1.6: five pickles one behind the other, then the storages.

They are a magic number, the version, facts about the machine, the object, and the keys of the storages in
the order in which these follow. Each storage is its length (64 bits) and its bytes.
"""

from __future__ import annotations

import os
from typing import Any

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.storage.pickles.machine import INLINE, MAX_PICKLE, Truncated
from brainsurgery_shell.storage.pickles.opcodes import OPERATIONS
from brainsurgery_shell.storage.regular import read_at
from brainsurgery_shell.storage.strangers import is_safetensors, stranger
from brainsurgery_shell.storage.text import printable
from brainsurgery_shell.storage.torch.unpickle import Unpickled, broken, storage_name, unpickle
from brainsurgery_shell.storage.torch.views import Saved

LEGACY_SIGN = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001

_FIRST_READ = 1 << 20
_GROWTH = 8


def read_legacy(fd: int, size: int, shown: str) -> Saved:
    """Read a file that is no zip archive.

    Raises:
        StorageError: it is no torch file either, is broken, or wants something run.
        OSError: it cannot be read.
    """
    start = read_at(fd, 0, 512)
    _refuse_strangers(start, size, shown)
    wanted = _FIRST_READ  # where the pickles end is known only when they were read
    while True:
        head = read_at(fd, 0, min(wanted, MAX_PICKLE))
        try:
            magic = unpickle(head, 0, shown)
            return _read(fd, size, head, magic, shown)
        except Truncated as error:
            if len(head) == size:
                raise broken(shown, "it was cut off: copy or download it again") from error
            if len(head) == MAX_PICKLE:
                raise broken(shown, f"its pickle has more than {MAX_PICKLE} bytes") from error
            wanted *= _GROWTH


def _read(fd: int, size: int, head: bytes, magic: Unpickled, shown: str) -> Saved:
    if magic.value != _MAGIC:
        raise broken(shown, "it is a pickle that torch.save did not write")
    version = unpickle(head, magic.end, shown)
    if version.value != _VERSION:
        raise broken(shown, f"it is not of version {_VERSION}, the only one of its kind")
    machine = unpickle(head, version.end, shown)
    facts: Any = machine.value
    if type(facts) is not dict or facts.get("little_endian", facts.get(b"little_endian")) is not True:
        raise StorageError(
            f"cannot open '{shown}': it was saved on a machine that puts the most significant byte first",
            hint="load it with torch and save it again",
        )
    found = unpickle(head, machine.end, shown)
    keys = unpickle(head, found.end, shown)
    return Saved(found.value, head[: keys.end], _ranges(fd, size, keys, found, shown))


def _ranges(fd: int, size: int, keys: Unpickled, found: Unpickled, shown: str) -> dict[str, tuple[int, int]]:
    """Where each storage lies. Its length counts elements, and only the tensors say of how many bytes."""
    if type(keys.value) is not list:
        raise broken(shown, "it has no list of its storages")
    names = [storage_name(key) for key in keys.value]
    ranges: dict[str, tuple[int, int]] = {}
    at = keys.end
    for key in names:
        if key is None or key not in found.storages or key in ranges:
            raise broken(shown, "no tensor of it has a storage that it names")
        numel, itemsize = found.storages[key]
        length = int.from_bytes(os.pread(fd, 8, at), "little")
        end = at + 8 + numel * itemsize
        if length != numel or end > size:
            raise broken(
                shown,
                f"the storage '{printable(key)}' has {length} elements instead of {numel}"
                if length != numel
                else f"it ends after {size} bytes, within a storage: copy or download it again",
            )
        ranges[key] = (at + 8, numel * itemsize)
        at = end
    lost = found.storages.keys() - ranges.keys()
    if lost:
        raise broken(shown, f"the storage '{printable(min(lost))}' of a tensor is missing")
    return ranges


def _refuse_strangers(start: bytes, size: int, shown: str) -> None:
    found = stranger(start)
    if found is not None:
        raise broken(shown, f"it is {found[0]}", found[1])
    if start[257:262] == b"ustar":
        raise StorageError(
            f"cannot open '{shown}': it is a tar archive, as torch wrote before version 0.1.10",
            hint="load it with an old torch and save it again",
        )
    if is_safetensors(start) and int.from_bytes(start[:8], "little") < size:
        raise broken(shown, "it is a safetensors file", "give it the suffix .safetensors")
    if size == 0:
        raise broken(shown, "it is empty")
    if start[0] not in OPERATIONS and start[0] not in INLINE:
        raise broken(shown, "it is neither a zip archive nor a pickle")
