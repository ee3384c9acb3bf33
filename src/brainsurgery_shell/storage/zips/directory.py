"""The directory of a zip archive, byte by byte: the entries as they stand there.

Python's ``zipfile`` takes 3 µs an entry and 30 µs an archive, and a distributed checkpoint is an archive a
tensor.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

MAX_DIRECTORY = 100_000_000
"""Bytes, as of a safetensors header: a million members, which take a gigabyte of memory."""

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")

_WIDE = 0xFFFFFFFF
_UTF8 = 1 << 11
_TAIL = 1 << 12
"""Bytes from the end that are read first. They hold the whole directory of a small archive."""

_LONGEST_TAIL = _END.size + 0xFFFF
"""A comment may follow the directory."""

Read = Callable[[int, int], bytes]
"""From place and count to the bytes of the archive there."""


class DirectoryError(Exception):
    """There is no directory, or a damaged one."""


class Entry(NamedTuple):
    """What the directory says of a member."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int
    """Where its local header begins, counted from the beginning of the archive."""


def read_directory(read: Read, length: int, most: int) -> tuple[list[Entry], int]:
    """The entries of an archive of ``length`` bytes, and where the directory (of at most ``most``) begins.

    Raises:
        DirectoryError: there is none, or it breaks a rule.
        OSError: it cannot be read.
    """
    count = min(length, _TAIL)
    tail = read(length - count, count)
    at = _find_end(tail)
    if at < 0 and length > count:
        count = min(length, _LONGEST_TAIL + _LOCATOR.size + _END64.size)
        tail = read(length - count, count)
        at = _find_end(tail)
    if at < 0 or len(tail) < count:
        raise DirectoryError("it has no directory at its end")
    first = length - count
    size, place, end = _end(tail, at, first, read)
    begin = end - size
    if begin < 0 or begin < place:
        raise DirectoryError("its directory lies outside of it")
    if size > most:
        raise DirectoryError(f"its directory has {size} bytes, and {most} is the most")
    raw = tail[begin - first : end - first] if begin >= first else read(begin, size)
    if len(raw) < size:
        raise DirectoryError("its directory is damaged")
    return _entries(raw, begin - place), begin


def _find_end(tail: bytes) -> int:
    """Where the record at the end begins, in front of its comment; -1 if it is not there."""
    at = len(tail) - _END.size
    if at >= 0 and tail.startswith(b"PK\x05\x06", at) and tail.endswith(b"\0\0"):
        return at
    at = tail.rfind(b"PK\x05\x06")
    return at if at + _END.size <= len(tail) else -1


def _end(tail: bytes, at: int, first: int, read: Read) -> tuple[int, int, int]:
    """Size of the directory, where it says it begins, and where it ends."""
    *_, size, place, _ = _END.unpack_from(tail, at)
    end: int = first + at
    where = end - _LOCATOR.size
    if where < 0:
        return size, place, end
    locator = read(where, _LOCATOR.size) if where < first else tail[where - first : at]
    if not locator.startswith(b"PK\x06\x07"):
        return size, place, end
    _, disk, _, disks = _LOCATOR.unpack(locator)
    end = where - _END64.size
    raw = read(end, _END64.size) if end >= 0 else b""
    if len(raw) < _END64.size or not raw.startswith(b"PK\x06\x06") or disk or disks > 1:
        raise DirectoryError("the record of its large sizes is damaged")
    *_, size, place = _END64.unpack(raw)
    return size, place, end


def _entries(raw: bytes, moved: int) -> list[Entry]:
    """The entries; ``moved`` is how much later all begins than the directory says."""
    found: list[Entry] = []
    at, end = 0, len(raw)
    fixed, unpack = _ENTRY.size, _ENTRY.unpack_from
    while at < end:
        if at + fixed > end or not raw.startswith(b"PK\x01\x02", at):
            raise DirectoryError("its directory is damaged")
        (_, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, _, _, _,
         header) = unpack(raw, at)  # fmt: skip
        begin = at + fixed
        at = begin + name_size
        if at + extra_size + comment_size > end:
            raise DirectoryError("its directory is damaged")
        if packed == _WIDE or size == _WIDE or header == _WIDE:
            extra = raw[at : at + extra_size]
            size, packed, header = _wide(extra, (size, packed, header))
        at += extra_size + comment_size
        try:
            name = raw[begin : begin + name_size].decode("utf-8" if flags & _UTF8 else "cp437")
        except UnicodeDecodeError as error:
            raise DirectoryError("a name in its directory is no text") from error
        found.append(Entry(name, flags, method, crc, packed, size, header + moved))
    return found


def _wide(extra: bytes, values: tuple[int, ...]) -> list[int]:
    """The values, with those that need 64 bits from the extra field of that kind."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == 1:
            numbers = extra[at : at + size]
            missing = values.count(_WIDE)
            if len(numbers) < 8 * missing:
                break
            more = iter(struct.unpack_from(f"<{missing}Q", numbers))
            return [next(more) if value == _WIDE else value for value in values]
        at += size
    raise DirectoryError("the large sizes of a member are missing in its directory")
