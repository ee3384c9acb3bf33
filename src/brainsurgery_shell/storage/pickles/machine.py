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
    """The stand-in of a function or class that a pickle may call: ``make`` makes our value of it.

    It is given the machine and the arguments. It may walk through each of these, but not deeper.
    """

    __slots__ = ("make", "name")

    def __init__(self, name: str, make: Callable[..., object]) -> None:
        self.name = name
        self.make = make


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

MAX_PICKLE = 1 << 27
"""Bytes of a pickle, at most. A tensor takes some 150, and reading them some fifty times their number."""

_WORK_PER_BYTE = 2
_FREE_WORK = 1 << 20
"""Items that may be copied or walked through: five bytes can ask for any value again."""

_WALKED = frozenset({str, bytes, list, tuple, dict, set})

_SALTED = frozenset({str, bytes})
"""What Python hashes so that nobody can foresee it."""

_DENSE = 1 << 20
"""Whole numbers up to here are keys that hardly ever meet in one place of a dict."""

_LONGEST_KEY = 16
_NEIGHBOURS = 16

_STOP, _LONG_BINPUT, _BINGET, _LONG_BINGET, _BININT1, _MARK, _TUPLE = b".rhjK(t"
INLINE = frozenset(b".rhjK(t")
"""The opcodes that the machine knows by itself."""

_WIDE = struct.Struct("<I").unpack_from
_LONGEST_OPERAND = 9


class Machine:
    """What the opcodes of a pickle work on. ``at`` is the byte behind the opcode that was read last."""

    __slots__ = ("at", "data", "lookup", "marks", "memo", "persistent", "stack", "work")

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
        self.work = _WORK_PER_BYTE * len(data) + _FREE_WORK
        """How many items may still be copied or walked through."""

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
        stack = self.stack
        try:
            while True:
                code = data[at]
                at += 1
                # Two of three opcodes are these. A call takes longer than what they do.
                if code == _LONG_BINPUT:
                    memo[_WIDE(data, at)[0]] = stack[-1]
                    at += 4
                elif code == _BINGET:
                    stack.append(memo[data[at]])
                    at += 1
                elif code == _BININT1:
                    stack.append(data[at])
                    at += 1
                elif code == _LONG_BINGET:
                    stack.append(memo[_WIDE(data, at)[0]])
                    at += 4
                elif code == _MARK:
                    self.marks.append(stack)
                    self.stack = stack = []
                elif code == _TUPLE:
                    items = tuple(stack)
                    self.stack = stack = self.marks.pop()
                    stack.append(items)
                elif code == _STOP:
                    (value,) = stack
                    return value
                else:
                    operation = table.get(code)
                    if operation is None:
                        raise BadPickle(f"it holds the opcode {bytes([code])!r}, which no checkpoint needs")
                    at = operation(self, at)
                    stack = self.stack
        finally:
            self.at = at

    def spend(self, count: int) -> None:
        """Account for ``count`` items that are copied or walked through. Raises ``BadPickle`` if too many."""
        self.work -= count
        if self.work < 0:
            raise BadPickle("it asks for more work than any checkpoint of its size")

    def call(self, function: object, arguments: object) -> object:
        """What a stand-in makes of ``arguments``."""
        if type(function) is not Function or type(arguments) is not tuple:
            raise BadPickle("it calls what is no function")
        work = len(arguments)
        for each in arguments:
            if type(each) in _WALKED:
                work += len(each)
        self.spend(work)
        return function.make(self, *arguments)

    def key(self, key: Any, others: int) -> Any:
        """``key``, if it costs little to find its place among ``others``.

        Tuples in tuples are hashed from scratch, level by level: a short pickle could make that take for
        ever, or more stack than there is. Numbers can be chosen so that all of them meet in one place.
        """
        kind = type(key)
        if kind in _SALTED or (kind is int and 0 <= key < _DENSE):
            return key
        if kind is tuple and any(type(item) is tuple for item in key[:_LONGEST_KEY]):
            raise BadPickle("a key of it is a tuple of tuples")
        if kind is tuple and len(key) > _LONGEST_KEY:
            raise BadPickle(f"a key of it is a tuple of {len(key)} items")
        if kind is int or kind is float or (kind is tuple and not {*map(type, key)} <= _SALTED):
            self.spend(1 + others // _NEIGHBOURS)
        return key

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
