"""Where everything lies in a zip archive of stored members that is about to be written.

The data of a tensor begin at a multiple of 64 bytes, as PyTorch has them, so that they can be mapped. Sizes
are known before anything is written; the checksums of tensors are not, and are filled in when all data lie
in the file.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.storage.container import Seal

ALIGN = 64

_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")

_CRC_IN_LOCAL = 14
_CRC_IN_ENTRY = 16
_UTF8 = 1 << 11
_DAY = 1 << 5 | 1  # the first day of 1980: the same bytes from run to run
_OLD, _ZIP64 = 20, 45
_WIDE = 0xFFFFFFFF
_MANY = 0xFFFF
_PADDING = 0x4246
"""The kind of an extra field that only fills up; PyTorch's."""

_READ = 1 << 20
"""Bytes read at a time: they stay in the processor's cache while they are summed up."""

_TOGETHER = 256 << 20


class Member(NamedTuple):
    """A member to be written: literal bytes, and behind them ``nbytes`` of a tensor's data."""

    name: str
    data: bytes = b""
    nbytes: int = 0


class Sum(NamedTuple):
    """A checksum that waits for data: where they lie, what stands in front of them, and where it goes."""

    start: int
    nbytes: int
    first: int
    """The checksum of the literal bytes in front."""
    places: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ZipLayout:
    """All bytes of an archive. Places are bytes from the beginning of the file."""

    end: int
    literals: tuple[tuple[int, bytes], ...]
    starts: tuple[int, ...]
    """Where the data of each member with a tensor begin."""
    sums: tuple[Sum, ...]


def lay_out_zip(members: Iterable[Member], begin: int = 0) -> ZipLayout:
    """Lay out an archive that begins at byte ``begin`` of its file. Every member with a tensor has data.

    Raises:
        StorageError: a name is too long.
    """
    literals: list[tuple[int, bytes]] = []
    run, at = bytearray(), begin  # literal bytes that follow each other, and where they begin
    directory = bytearray()
    starts: list[int] = []
    waiting: list[tuple[int, int, int, int, int]] = []
    count = 0
    for member in members:
        count += 1
        header = at + len(run)
        local, entry = _headers(member, header, header - begin)
        run += local
        if member.nbytes:
            start = header + len(local)
            waiting.append((start, member.nbytes, zlib.crc32(member.data), header, len(directory)))
            starts.append(start)
            literals.append((at, bytes(run)))
            run, at = bytearray(), start + member.nbytes
        directory += entry
    place = at + len(run)
    run += directory
    run += _end(count, len(directory), place - begin)
    literals.append((at, bytes(run)))
    sums = tuple(
        Sum(start, nbytes, first, (header + _CRC_IN_LOCAL, place + entry + _CRC_IN_ENTRY))
        for start, nbytes, first, header, entry in waiting
    )
    return ZipLayout(at + len(run), tuple(literals), tuple(starts), sums)


def seals_of(sums: Sequence[Sum]) -> tuple[Seal, ...]:
    """What fills the checksums in: one after the other up to some size, so that threads can share them."""
    groups: list[list[Sum]] = []
    size = _TOGETHER
    for each in sums:
        if size >= _TOGETHER:
            groups.append([])
            size = 0
        groups[-1].append(each)
        size += each.nbytes
    return tuple(Seal(sum(each.nbytes for each in group), partial(_fill, group)) for group in groups)


def _fill(sums: Sequence[Sum], fd: int, tick: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """Checksums, and where they go, of what lies in an open file."""
    buffer = memoryview(bytearray(_READ))
    for start, nbytes, value, places in sums:
        done = 0
        while done < nbytes:
            count = os.preadv(fd, [buffer[: nbytes - done]], start + done)
            if not count:
                raise OSError(errno.EIO, "the file ends before its data")
            value = zlib.crc32(buffer[:count], value)
            done += count
            tick(count)
        for place in places:
            yield place, struct.pack("<L", value)


def _headers(member: Member, header: int, place: int) -> tuple[bytes, bytes]:
    """The header in front of a member, padded, with its literal bytes; and its entry in the directory."""
    name = member.name.encode("utf-8", "surrogatepass")
    size = len(member.data) + member.nbytes
    if len(name) > 0xFFF0:
        raise StorageError(f"the name '{member.name[:40]}…' is too long for a zip archive")
    wide = size >= _WIDE
    extra = struct.pack("<2H2Q", 1, 16, size, size) if wide else b""
    fields = []
    if wide:
        fields += [size, size]
    if place >= _WIDE:
        fields.append(place)
    entry_extra = struct.pack(f"<2H{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""
    version = _ZIP64 if fields else _OLD
    shown = _WIDE if wide else size
    crc = 0 if member.nbytes else zlib.crc32(member.data)
    if member.nbytes:
        extra += _padding(header + _LOCAL.size + len(name) + len(extra) + len(member.data))
    common = (_UTF8, 0, 0, _DAY, crc, shown, shown, len(name))
    local = _LOCAL.pack(b"PK\x03\x04", version, *common, len(extra)) + name + extra + member.data
    where = min(place, _WIDE)
    entry = _ENTRY.pack(b"PK\x01\x02", version, version, *common, len(entry_extra), 0, 0, 0, 0, where)
    return local, entry + name + entry_extra


def _padding(at: int) -> bytes:
    """An extra field that makes what follows byte ``at`` begin at a multiple of ``ALIGN``."""
    missing = -at % ALIGN
    if not missing:
        return b""
    if missing < 4:  # its own head takes as much
        missing += ALIGN
    return struct.pack("<2H", _PADDING, missing - 4).ljust(missing, b"Z")


def _end(count: int, size: int, place: int) -> bytes:
    """What follows the directory."""
    wide = b""
    if count >= _MANY or size >= _WIDE or place >= _WIDE:
        wide = _END64.pack(b"PK\x06\x06", 44, _ZIP64, _ZIP64, 0, 0, count, count, size, place)
        wide += _LOCATOR.pack(b"PK\x06\x07", 0, place + size, 1)
    shown = min(count, _MANY)
    return wide + _END.pack(b"PK\x05\x06", 0, 0, shown, shown, min(size, _WIDE), min(place, _WIDE), 0)
