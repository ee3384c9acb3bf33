"""Read a pickle without running any of it.

A pickle is a program that tells its reader which functions to call. Python's own reader imports and calls
what it is told, and even one that is restricted hashes and joins what the writer chose, enough to hang or
crash the process. This machine knows the opcodes and nothing else: it builds plain values, looks every
global up in a table of stand-ins, and calls nothing but those.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias


class Function:
    """The stand-in of a function or class that a pickle may call: ``call`` makes our value of it."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., object]) -> None:
        self.name = name
        self.call = call


class Unknown:
    """An object that nobody here looks into; only the name of its class is known."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Forbidden(Exception):
    """The pickle names a global that has no stand-in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Truncated(Exception):
    """The bytes end before the pickle does."""


class BadPickle(Exception):
    """The bytes are no pickle, or one that does what no saved checkpoint does."""


Lookup: TypeAlias = Callable[[str, str], object]
"""From module and name of a global to its stand-in. Raises ``Forbidden``."""

Persistent: TypeAlias = Callable[[Any], object]
"""From a persistent id to the value that lies outside of the pickle."""

Operation: TypeAlias = "Callable[[Machine, int], int]"
"""What an opcode does, from the byte behind it to the byte behind its operands."""

_STOP, _BINPUT, _LONG_BINPUT, _BINGET = b".qrh"
_WIDE = struct.Struct("<I").unpack_from
_LONGEST_OPERAND = 9


class Machine:
    """What the opcodes of a pickle work on. ``at`` is the byte behind the opcode that was read last."""

    __slots__ = ("at", "data", "lookup", "marks", "memo", "persistent", "stack")

    def __init__(self, data: bytes, at: int, lookup: Lookup, persistent: Persistent) -> None:
        self.data = data
        self.at = at
        self.lookup = lookup
        self.persistent = persistent
        self.stack: list[Any] = []
        """Above the last mark."""
        self.marks: list[list[Any]] = []
        """The stacks below each mark."""
        self.memo: dict[int, Any] = {}

    def run(self, table: dict[int, Operation]) -> object:
        """The value that the pickle describes.

        Raises:
            Forbidden: it names something that has no stand-in.
            Truncated: ``data`` ends too early.
            BadPickle: it is no pickle, or a nonsensical one.
        """
        try:
            return self._run(table)
        except (IndexError, struct.error) as error:
            if self.at > len(self.data) - _LONGEST_OPERAND:
                raise Truncated from error
            raise BadPickle("its values do not fit together") from error
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise BadPickle(f"its values do not fit together ({type(error).__name__})") from error

    def _run(self, table: dict[int, Operation]) -> object:
        data, memo, at = self.data, self.memo, self.at
        while True:
            code = data[at]
            self.at = at = at + 1
            if code == _LONG_BINPUT:  # these are half of all opcodes
                memo[_WIDE(data, at)[0]] = self.stack[-1]
                at += 4
            elif code == _BINPUT:
                memo[data[at]] = self.stack[-1]
                at += 1
            elif code == _BINGET:
                self.stack.append(memo[data[at]])
                at += 1
            elif code == _STOP:
                (value,) = self.stack
                return value
            else:
                operation = table.get(code)
                if operation is None:
                    raise BadPickle(f"it holds the opcode {bytes([code])!r}, which no checkpoint needs")
                at = operation(self, at)

    def read(self, at: int, count: int) -> bytes:
        """``count`` bytes. Raises ``Truncated`` if there are fewer."""
        found = self.data[at : at + count]
        if len(found) != count:
            raise Truncated
        return found

    def line(self, at: int) -> tuple[bytes, int]:
        """Up to the end of the line, and where the next one begins. Raises ``Truncated``."""
        end = self.data.find(b"\n", at)
        if end < 0:
            raise Truncated
        return self.data[at:end], end + 1

    def marked(self) -> list[Any]:
        """What lies above the last mark; both are taken away."""
        items = self.stack
        self.stack = self.marks.pop()
        return items
