"""The opcodes of pickles that hold a value: constants, numbers, text, bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable

from brainsurgery_shell.storage.pickles.machine import Machine, Operation


def _constant(value: object) -> Operation:
    def push(machine: Machine, at: int) -> int:
        machine.stack.append(value)
        return at

    return push


def _empty(make: Callable[[], object]) -> Operation:
    def push(machine: Machine, at: int) -> int:
        machine.stack.append(make())
        return at

    return push


def _skip(count: int) -> Operation:
    def skip(machine: Machine, at: int) -> int:
        machine.read(at, count)
        return at + count

    return skip


def _number(layout: str) -> Operation:
    form = struct.Struct(layout)
    unpack, size = form.unpack_from, form.size

    def push(machine: Machine, at: int) -> int:
        machine.stack.append(unpack(machine.data, at)[0])
        return at + size

    return push


def _sized(layout: str, convert: Callable[[bytes], object]) -> Operation:
    """A value whose bytes follow their count."""
    form = struct.Struct(layout)
    unpack, size = form.unpack_from, form.size

    def push(machine: Machine, at: int) -> int:
        begin = at + size
        end: int = begin + unpack(machine.data, at)[0]
        machine.stack.append(convert(machine.read(begin, end - begin)))
        return end

    return push


def _line(convert: Callable[[bytes], object]) -> Operation:
    """A value on a line of its own."""

    def push(machine: Machine, at: int) -> int:
        line, end = machine.line(at)
        machine.stack.append(convert(line))
        return end

    return push


def text(raw: bytes) -> str:
    """Text as pickles hold it: even halves of surrogate pairs."""
    return raw.decode("utf-8", "surrogatepass")


def _old_text(raw: bytes) -> str | bytes:
    """Python 2 does not say whether it is text."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _quoted(line: bytes) -> str | bytes:
    return _old_text(line.strip()[1:-1])  # names need no escapes


def _raw_text(line: bytes) -> str:
    return line.decode("raw-unicode-escape")


def _bytes(raw: bytes) -> bytes:
    return raw


def _long(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=True)


def _digits(line: bytes) -> int | bool:
    if line in (b"00", b"01"):
        return line == b"01"
    return int(line.removesuffix(b"L"))


VALUES: dict[bytes, Operation] = {
    b"\x80": _skip(1),  # the protocol
    b"\x95": _skip(8),  # the size of a frame
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b")": _constant(()),
    b"]": _empty(list),
    b"}": _empty(dict),
    b"\x8f": _empty(set),
    b"\x8c": _sized("<B", text),
    b"X": _sized("<I", text),
    b"\x8d": _sized("<Q", text),
    b"C": _sized("<B", _bytes),
    b"B": _sized("<I", _bytes),
    b"\x8e": _sized("<Q", _bytes),
    b"\x96": _sized("<Q", _bytes),
    b"U": _sized("<B", _old_text),
    b"T": _sized("<I", _old_text),
    b"S": _line(_quoted),
    b"V": _line(_raw_text),
    b"M": _number("<H"),
    b"J": _number("<i"),
    b"\x8a": _sized("<B", _long),
    b"I": _line(_digits),
    b"L": _line(_digits),
    b"G": _number(">d"),
    b"F": _line(float),
}
"""By the byte that stands for them."""
