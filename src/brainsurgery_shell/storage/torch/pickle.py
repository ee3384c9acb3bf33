"""Write the pickle of a torch file: a dict of names to tensors, opcode for opcode as ``torch.save`` does.

Nothing is imported for it, and the bytes are the same from run to run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from brainsurgery_shell.graph.structure import strides_of
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.storage.torch.globals import STORAGE_DTYPES

_CLASSES = {dtype: name for name, dtype in reversed(STORAGE_DTYPES.items()) if "Untyped" not in name}
"""Dtype → class of storage. The other dtypes came later, and lie in storages of plain bytes."""

_BATCH = 1000
"""Entries of a dict that are set at a time."""


class Entry(NamedTuple):
    """A tensor to be named, and the key of its storage, of which it is all."""

    key: str
    tensor: LazyTensor


def pickle_tensors(entries: Mapping[str, Entry]) -> bytes:
    """The pickle of a dict of tensors. Names with one key are one tensor."""
    writer = Writer()
    writer.put(b"\x80\x02}")
    items = list(entries.items())
    if len(items) == 1:
        _item(writer, *items[0])
        writer.parts.append(b"s")
    for first in range(0, len(items) if len(items) > 1 else 0, _BATCH):
        writer.parts.append(b"(")
        for name, entry in items[first : first + _BATCH]:
            _item(writer, name, entry)
        writer.parts.append(b"u")
    writer.parts.append(b".")
    return b"".join(writer.parts)


def pickle_tensor(tensor: LazyTensor) -> bytes:
    """The pickle of a tensor that is saved alone, in storage ``0``."""
    writer = Writer()
    writer.parts.append(b"\x80\x02")
    _tensor(writer, Entry("0", tensor))
    writer.parts.append(b".")
    return b"".join(writer.parts)


class Writer:
    """Opcodes, and the numbers under which the reader remembers values."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._next = 0
        self._known: dict[str, bytes] = {}
        """Strings, globals and tensors that were written → how to get them back."""

    def put(self, value: bytes, known: str | None = None) -> None:
        """Write a value that the reader remembers, and which ``again`` can name if it is ``known``."""
        at, self._next = self._next, self._next + 1
        number = bytes([at]) if at < 256 else struct.pack("<I", at)
        self.parts += (value, b"q" if at < 256 else b"r", number)
        if known is not None:
            self._known[known] = (b"h" if at < 256 else b"j") + number

    def again(self, known: str) -> bool:
        """Write what was written before; whether it was."""
        found = self._known.get(known)
        if found is not None:
            self.parts.append(found)
        return found is not None

    def text(self, text: str) -> None:
        """Text that comes once."""
        raw = text.encode("utf-8", "surrogatepass")
        self.put(b"X" + struct.pack("<I", len(raw)) + raw)

    def word(self, text: str) -> None:
        """Text that comes again and again."""
        if not self.again(f"word {text}"):
            raw = text.encode("utf-8", "surrogatepass")
            self.put(b"X" + struct.pack("<I", len(raw)) + raw, f"word {text}")

    def name(self, module: str, name: str) -> None:
        """A global."""
        full = f"{module} {name}"
        if not self.again(full):
            self.put(f"c{module}\n{name}\n".encode(), full)

    def number(self, value: int) -> None:
        """A whole number from 0 on."""
        self.parts.append(_number(value))

    def sizes(self, values: Iterable[int]) -> None:
        """A tuple of whole numbers."""
        numbers = [_number(value) for value in values]
        if not numbers:
            self.parts.append(b")")
        elif len(numbers) <= 3:
            self.put(b"".join(numbers) + (b"\x85", b"\x86", b"\x87")[len(numbers) - 1])
        else:
            self.put(b"(" + b"".join(numbers) + b"t")


def _item(writer: Writer, name: str, entry: Entry) -> None:
    """A name and its tensor."""
    writer.text(name)
    _tensor(writer, entry)


def _tensor(writer: Writer, entry: Entry) -> None:
    tensor = f"tensor {entry.key}"
    if writer.again(tensor):
        return
    shape, dtype = entry.tensor.shape, entry.tensor.dtype
    kind = _CLASSES.get(dtype.name)
    writer.name("torch._utils", "_rebuild_tensor_v2" if kind else "_rebuild_tensor_v3")
    writer.parts.append(b"((")
    writer.word("storage")
    writer.name(*("torch", kind) if kind else ("torch.storage", "UntypedStorage"))
    writer.text(entry.key)
    writer.word("cpu")
    writer.number(entry.tensor.numel if kind else entry.tensor.nbytes)
    writer.put(b"t")
    writer.parts.append(b"Q")
    writer.number(0)
    writer.sizes(shape)
    writer.sizes(strides_of([max(1, size) for size in shape]))
    writer.parts.append(b"\x89")
    writer.name("collections", "OrderedDict")
    writer.parts.append(b")")
    writer.put(b"R")
    if not kind:
        writer.name("torch", dtype.name)
    writer.put(b"t")
    writer.put(b"R", tensor)


def _number(value: int) -> bytes:
    if value < 1 << 8:
        return b"K" + bytes([value])
    if value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    if value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little")
    return b"\x8a" + bytes([len(raw)]) + raw
