"""The numpy format: ``.npy`` holds one array, ``.npz`` is a zip archive with one array a tensor."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.errors import StorageError, listed
from brainsurgery_shell.graph.build import permute
from brainsurgery_shell.graph.dtypes import BY_NAME
from brainsurgery_shell.graph.files import facts_of
from brainsurgery_shell.graph.foreign import Inflate, SwapBytes
from brainsurgery_shell.graph.tensor import LazyTensor, StoredFile, computed, stored
from brainsurgery_shell.storage import names
from brainsurgery_shell.storage.container import Container, Header, OutFile, Output
from brainsurgery_shell.storage.numpy.npy import (
    DESCRIPTIONS,
    MAGIC,
    NpyHeader,
    bad_array,
    npy_header,
    parse_npy,
)
from brainsurgery_shell.storage.regular import digest_of, opened
from brainsurgery_shell.storage.strangers import stranger
from brainsurgery_shell.storage.text import is_text
from brainsurgery_shell.storage.zips.layout import Member as NewMember
from brainsurgery_shell.storage.zips.layout import lay_out_zip, seals_of
from brainsurgery_shell.storage.zips.read import (
    DEFLATED,
    Archive,
    Member,
    bad_archive,
    data_start,
    read_archive,
)

_ZIP_SIGN = b"PK"
_SUFFIX = ".npy"

_MOST_INFLATED = 1032
"""Bytes that one deflated byte can stand for, at most: two bits for a match of 258."""

_STEP = 1024
"""Deflated bytes read at once while a header is looked for."""


class Numpy(Container):
    """An archive of arrays."""

    name = names.NUMPY.name

    def variant(self, suffix: str) -> Container:
        """One array for ``.npy``."""
        return _ONE_ARRAY if suffix == _SUFFIX else self

    def read_file(self, path: Path, shown: str) -> Header:
        """The headers of an array or of all arrays of an archive, whatever the file is called."""
        with opened(path, shown) as fd, collector_paused():
            file = StoredFile(path, facts_of(fd), shown)
            start = os.pread(fd, 64, 0)
            if start.startswith(_ZIP_SIGN):
                return _read_archive(fd, file)
            found = stranger(start)
            if found is not None:
                raise bad_array(f"'{shown}'", f"it is {found[0]}", found[1])
            return _read_array(fd, file, path.stem)

    def recognises(self, start: bytes) -> bool:
        """An array, or an archive whose first member is one."""
        name_size = int.from_bytes(start[26:28], "little")
        return start.startswith(MAGIC) or (
            start.startswith(b"PK\x03\x04") and start[30 : 30 + name_size].endswith(_SUFFIX.encode())
        )

    def check(self, output: Output, shown: str) -> None:
        """Numpy has fewer dtypes, and no folders."""
        if not output.single:
            raise StorageError(
                f"cannot save '{shown}': numpy has no folders of arrays",
                hint=f"give a path that ends in .npz: {shown.rstrip('/')}.npz",
            )
        for name, tensor in output.tensors.items():
            if tensor.dtype.name not in DESCRIPTIONS:
                raise StorageError(
                    f"cannot save '{shown}': numpy has no {tensor.dtype}, as tensor '{name}' is",
                    hint="cast it first: cast_: target: …, to: float32",
                )
            if not _writable(name):
                raise StorageError(
                    f"cannot save '{shown}': the name {name!r} cannot be written into an archive",
                    hint="move it",
                )

    def lay_out(self, output: Output) -> list[OutFile]:
        """One member a tensor. There is no place for metadata."""
        members = [
            NewMember(name + _SUFFIX, npy_header(tensor.shape, tensor.dtype), tensor.nbytes)
            for name, tensor in output.tensors.items()
        ]
        layout = lay_out_zip(members)
        held = {name: tensor for name, tensor in output.tensors.items() if tensor.nbytes}
        return [OutFile("", layout.end, layout.literals, held, layout.starts, seals_of(layout.sums))]


class _OneArray(Numpy):
    """One array."""

    def check(self, output: Output, shown: str) -> None:
        """It must be one."""
        tensors = output.tensors
        if len(tensors) != 1:
            raise StorageError(
                f"cannot save '{shown}': a .npy file holds one tensor, and there are {len(tensors)}"
                + (f": {listed(list(tensors))}" if tensors else ""),
                hint="name one of them (target: …), or give a path that ends in .npz",
            )
        super().check(output, shown)

    def lay_out(self, output: Output) -> list[OutFile]:
        """Its header and its elements. The tensor's name is not kept."""
        ((name, tensor),) = output.tensors.items()
        header = npy_header(tensor.shape, tensor.dtype)
        size = len(header) + tensor.nbytes
        return [OutFile("", size, ((0, header),), {name: tensor}, (len(header),))]


def _read_array(fd: int, file: StoredFile, name: str) -> Header:
    size = file.facts.size
    header = parse_npy(lambda at, count: os.pread(fd, count, at), size, f"'{file.shown}'")
    raw = stored((header.nbytes,), BY_NAME["uint8"], file, header.start)
    return Header({}, {name: _elements(header, raw)}, (file,), digest_of(header.raw, size))


def _read_archive(fd: int, file: StoredFile) -> Header:
    size = file.facts.size
    what = f"'{file.shown}'"
    archive = read_archive(fd, 0, size, what)
    tensors: dict[str, LazyTensor] = {}
    aside: list[str] = []
    for member in archive.members.values():
        tensor = _member(fd, file, member)
        if tensor is None:
            aside.append(member.name)
            continue
        name = member.name.removesuffix(_SUFFIX)
        if name in tensors:
            raise bad_archive(what, f"two arrays in it are called '{name}'")
        if not _writable(name):
            raise bad_archive(what, f"the name {member.name!r} cannot be that of a tensor")
        tensors[name] = tensor
    if aside and not tensors:
        raise _no_arrays(archive, what)
    notes = (f"'{file.shown}' also holds what is no array; left aside: {listed(aside)}",) if aside else ()
    return Header({}, tensors, (file,), digest_of(archive.digest().encode(), size), notes)


def _no_arrays(archive: Archive, what: str) -> StorageError:
    members = list(archive.members)
    hint = None
    if any(name.endswith("/data.pkl") for name in members):
        hint = "it seems to be a torch checkpoint: give its name the suffix .pt"
    return StorageError(f"there is no array in {what}: it holds {listed(members)}", hint=hint)


def _member(fd: int, file: StoredFile, member: Member) -> LazyTensor | None:
    """The array that a member holds; ``None`` if it is something else."""
    what = f"member '{member.name}' of '{file.shown}'"
    start = data_start(fd, member, f"'{file.shown}'")
    if member.method == DEFLATED:
        if member.size > _MOST_INFLATED * member.packed:
            raise bad_archive(
                f"'{file.shown}'",
                f"its member '{member.name}' declares {member.size} bytes, "
                f"and {member.packed} compressed bytes cannot hold as many",
            )
        read = _Inflated(fd, start, member.packed, what).read
    else:

        def read(at: int, count: int) -> bytes:
            return os.pread(fd, max(0, min(count, member.size - at)), start + at)

    if read(0, len(MAGIC)) != MAGIC and not member.name.endswith(_SUFFIX):
        return None
    header = parse_npy(read, member.size, what)
    byte = BY_NAME["uint8"]
    if member.method == DEFLATED:
        packed = stored((member.packed,), byte, file, start)
        kernel = Inflate(packed, header.start, member.size, member.crc, what)
        return _elements(header, computed((header.nbytes,), byte, kernel))
    return _elements(header, stored((header.nbytes,), byte, file, start + header.start))


def _elements(header: NpyHeader, raw: LazyTensor) -> LazyTensor:
    """The tensor whose bytes are ``raw``, as the header describes them."""
    shape = header.shape[::-1] if header.column_major else header.shape
    if header.swapped:
        tensor = computed(shape, header.dtype, SwapBytes(raw))
    elif raw.file is not None:
        tensor = stored(shape, header.dtype, raw.file, raw.offset)
    else:
        tensor = LazyTensor(shape, header.dtype, kernel=raw.kernel)
    return permute(tensor, range(len(shape))[::-1]) if header.column_major else tensor


def _writable(name: str) -> bool:
    """Whether a name can stand in an archive: text without control characters."""
    return is_text(name) and not any(char < " " or char == "\x7f" for char in name)


class _Inflated:
    """The beginning of a deflated member."""

    def __init__(self, fd: int, start: int, packed: int, what: str) -> None:
        self._fd = fd
        self._at = start
        self._end = start + packed
        self._what = what
        self._unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        self._found = b""

    def read(self, at: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``at`` on."""
        while len(self._found) < at + count and not self._unpack.eof:
            fed = self._unpack.unconsumed_tail
            if not fed:
                fed = os.pread(self._fd, min(_STEP, self._end - self._at), self._at)
                self._at += len(fed)
            try:
                part = self._unpack.decompress(fed, at + count - len(self._found))
            except zlib.error as error:
                raise StorageError(f"{self._what} cannot be read: its compressed data are damaged") from error
            if not part and not fed:
                break
            self._found += part
        return self._found[at : at + count]


_ONE_ARRAY = _OneArray()
FORMAT = Numpy()
