"""The directory of a zip archive that lies in a file, or in a part of one: what is where.

Nothing is ever extracted: the names of members mean nothing to the file system. Beyond what ``zipfile``
checks, members neither overlap nor reach into the directory, no name stands twice, and what a member says of
itself agrees with the directory.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import struct
import zipfile
from typing import NamedTuple

from brainsurgery_shell.errors import StorageError

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED

MAX_DIRECTORY = 100_000_000
"""Bytes, as of a safetensors header: a million members, which take a gigabyte of memory."""

_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_SIGN = b"PK\x03\x04"
_ENCRYPTED = 1


class Member(NamedTuple):
    """One member. Places are bytes from the beginning of the file."""

    name: str
    method: int
    """``STORED`` or ``DEFLATED``."""
    crc: int
    packed: int
    """Bytes as they lie in the file."""
    size: int
    """Bytes when unpacked."""
    header: int
    end: int
    """Where the next member, or the directory, begins."""


class Archive(NamedTuple):
    """What a directory says."""

    members: dict[str, Member]
    """By name, in the directory's order."""
    digest: str
    """A SHA-256 over names, sizes and checksums of all members."""


def read_archive(fd: int, begin: int, length: int, what: str) -> Archive:
    """Read the directory of the archive that is ``length`` bytes of an open file from ``begin`` on.

    ``what`` is how messages call it, quoted.

    Raises:
        StorageError: it is no archive, or breaks a rule.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(_Part(fd, begin, length)) as archive:
            entries = archive.infolist()
            limit = archive.start_dir
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        EOFError,
        struct.error,
        _OutsideError,
    ) as error:
        raise bad_archive(what, str(error) or "its directory is damaged", _CUT_OFF) from error
    members = _members(entries, begin, begin + limit, what)
    digest = hashlib.sha256()
    for member in members.values():
        digest.update(
            f"{member.name}\0{member.method} {member.crc} {member.size}\n".encode("utf-8", "replace")
        )
    return Archive(members, digest.hexdigest())


def data_start(fd: int, member: Member, what: str) -> int:
    """Where the bytes of ``member`` begin in the file.

    Raises:
        StorageError: the member is not what the directory says.
        OSError: the file cannot be read.
    """
    # A name takes at most four bytes a character; what else is read does no harm.
    local = os.pread(fd, _LOCAL.size + 4 * len(member.name), member.header)
    if len(local) < _LOCAL.size or not local.startswith(_LOCAL_SIGN):
        raise bad_archive(what, f"there is no member '{member.name}' at byte {member.header}")
    _, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(local)
    name = local[_LOCAL.size : _LOCAL.size + name_size]
    start: int = member.header + _LOCAL.size + name_size + extra_size
    same = name == member.name.encode("utf-8" if flags & 0x800 else "cp437", "replace")
    if not same or method != member.method or start + member.packed > member.end:
        raise bad_archive(what, f"its directory and its member '{member.name}' contradict each other")
    return start


def bad_archive(what: str, problem: str, hint: str | None = None) -> StorageError:
    """The error of a file that is no archive, or a damaged one."""
    return StorageError(f"{what} is not a valid zip archive: {problem}", hint=hint)


_CUT_OFF = "it may have been cut off: copy or download it again"


class _OutsideError(OSError):
    """A place in front of the part that is read."""


class _Part(io.RawIOBase):
    """A part of an open file as a file of its own."""

    def __init__(self, fd: int, begin: int, length: int) -> None:
        self._fd = fd
        self._begin = begin
        self._length = length
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._at, self._length)[whence]
        if base + offset < 0:
            raise _OutsideError(errno.EINVAL, "its directory lies outside of it")
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._length - self._at)
        count = left if size < 0 else min(size, left)
        if count > MAX_DIRECTORY:
            raise ValueError(f"its directory has {count} bytes, and {MAX_DIRECTORY} is the most")
        parts = []
        while count and (part := os.pread(self._fd, count, self._begin + self._at)):
            parts.append(part)
            self._at += len(part)
            count -= len(part)
        return b"".join(parts)


def _members(entries: list[zipfile.ZipInfo], begin: int, limit: int, what: str) -> dict[str, Member]:
    """The members by name; all of them end in front of byte ``limit`` of the file."""
    ends: dict[int, int] = {}
    following = limit
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        _check_entry(entry, what)
        at = begin + entry.header_offset
        if entry.header_offset < 0 or at in ends or at + _LOCAL.size + entry.compress_size > following:
            raise bad_archive(what, f"its member '{entry.filename}' reaches into what follows it")
        ends[at] = following
        following = at
    if following != begin:
        raise bad_archive(what, f"its first {following - begin} bytes belong to nothing")
    members: dict[str, Member] = {}
    for entry in entries:
        name, at = entry.filename, begin + entry.header_offset
        if name in members:
            raise bad_archive(what, f"the name '{name}' stands twice in it")
        members[name] = Member(
            name, entry.compress_type, entry.CRC, entry.compress_size, entry.file_size, at, ends[at]
        )
    return members


def _check_entry(entry: zipfile.ZipInfo, what: str) -> None:
    name = entry.filename
    if name != entry.orig_filename:
        raise bad_archive(what, f"the name {entry.orig_filename!r} cannot be one")
    if entry.flag_bits & _ENCRYPTED:
        raise StorageError(f"cannot open {what}: its member '{name}' is encrypted")
    if entry.compress_type not in (STORED, DEFLATED):
        raise StorageError(
            f"cannot open {what}: its member '{name}' is compressed by method {entry.compress_type}, "
            "and only deflated and stored members are read",
            hint="pack it again without compression",
        )
    if entry.compress_type == STORED and entry.file_size != entry.compress_size:
        raise bad_archive(what, f"the sizes of its member '{name}' contradict each other")
