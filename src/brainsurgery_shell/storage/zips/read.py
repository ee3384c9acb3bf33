"""The directory of a zip archive that lies in a file, or in a part of one: what is where.

Nothing is ever extracted: the names of members mean nothing to the file system. Members neither overlap nor
reach into the directory, no name stands twice, and what a member says of itself agrees with the directory.
"""

from __future__ import annotations

import hashlib
import os
import struct
from operator import attrgetter
from typing import NamedTuple

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.storage.invalid import CUT_OFF, invalid
from brainsurgery_shell.storage.regular import read_at
from brainsurgery_shell.storage.zips.directory import MAX_DIRECTORY, DirectoryError, Entry, read_directory

STORED, DEFLATED = 0, 8

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

    def digest(self) -> str:
        """A SHA-256 over names, sizes and checksums of all members."""
        digest = hashlib.sha256()
        for member in self.members.values():
            digest.update(
                f"{member.name}\0{member.method} {member.crc} {member.size}\n".encode("utf-8", "replace")
            )
        return digest.hexdigest()


def read_archive(fd: int, begin: int, length: int, what: str, most: int = MAX_DIRECTORY) -> Archive:
    """Read the directory of the archive that is ``length`` bytes of an open file from ``begin`` on.

    ``what`` is how messages call it, quoted; its directory has at most ``most`` bytes.

    Raises:
        StorageError: it is no archive, or breaks a rule.
        OSError: the file cannot be read.
    """
    try:
        entries, limit = read_directory(lambda at, count: read_at(fd, begin + at, count), length, most)
    except DirectoryError as error:
        raise bad_archive(what, str(error), CUT_OFF) from error
    return Archive(_members(entries, begin, begin + limit, what))


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
    return invalid(what, "zip archive", problem, hint)


def _members(entries: list[Entry], begin: int, limit: int, what: str) -> dict[str, Member]:
    """The members by name; all of them end in front of byte ``limit`` of the file."""
    ends: dict[int, int] = {}
    following = limit
    for entry in sorted(entries, key=attrgetter("header"), reverse=True):
        if entry.method != STORED or entry.flags & _ENCRYPTED or entry.size != entry.packed:
            _check_packed(entry, what)
        at = begin + entry.header
        if entry.header < 0 or at in ends or at + _LOCAL.size + entry.packed > following:
            raise bad_archive(what, f"its member '{entry.name}' reaches into what follows it")
        ends[at] = following
        following = at
    if following != begin:
        raise bad_archive(what, f"its first {following - begin} bytes belong to nothing")
    members: dict[str, Member] = {}
    for name, _, method, crc, packed, size, header in entries:
        if name in members:
            raise bad_archive(what, f"the name '{name}' stands twice in it")
        if "\0" in name:
            raise bad_archive(what, f"the name {name!r} cannot be one")
        at = begin + header
        members[name] = Member(name, method, crc, packed, size, at, ends[at])
    return members


def _check_packed(entry: Entry, what: str) -> None:
    """Check a member that is more than its bytes as they are."""
    if entry.flags & _ENCRYPTED:
        raise StorageError(f"cannot open {what}: its member '{entry.name}' is encrypted")
    if entry.method not in (STORED, DEFLATED):
        raise StorageError(
            f"cannot open {what}: its member '{entry.name}' is compressed by method {entry.method}, "
            "and only deflated and stored members are read",
            hint="pack it again without compression",
        )
    if entry.method == STORED:
        raise bad_archive(what, f"the sizes of its member '{entry.name}' contradict each other")
