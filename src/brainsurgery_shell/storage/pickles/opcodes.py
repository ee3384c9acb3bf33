"""The opcodes of pickles, protocols 0 to 5: what each of them does to the machine that reads it.

Out-of-band buffers, numbers of more than 255 bytes and extension codes are left out: no checkpoint has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brainsurgery_shell.storage.pickles.machine import (
    BadPickle,
    Forbidden,
    Machine,
    Operation,
    Unknown,
)
from brainsurgery_shell.storage.pickles.values import VALUES, text


def _group(convert: Callable[[list[Any]], object]) -> Operation:
    """A value made of all above the mark."""

    def push(machine: Machine, at: int) -> int:
        items = machine.marked()
        machine.stack.append(convert(items))
        return at

    return push


def _pop(machine: Machine, at: int) -> int:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.marked()
    return at


def _pop_mark(machine: Machine, at: int) -> int:
    machine.marked()
    return at


def _dup(machine: Machine, at: int) -> int:
    machine.stack.append(machine.stack[-1])
    return at


def _tuple1(machine: Machine, at: int) -> int:
    stack = machine.stack
    stack[-1] = (stack[-1],)
    return at


def _tuple2(machine: Machine, at: int) -> int:
    stack = machine.stack
    second = stack.pop()
    stack[-1] = (stack[-1], second)
    return at


def _tuple3(machine: Machine, at: int) -> int:
    stack = machine.stack
    third, second = stack.pop(), stack.pop()
    stack[-1] = (stack[-1], second, third)
    return at


def _append(machine: Machine, at: int) -> int:
    item = machine.stack.pop()
    _only(machine.stack[-1], list).append(item)
    return at


def _appends(machine: Machine, at: int) -> int:
    items = machine.marked()
    _only(machine.stack[-1], list).extend(items)
    return at


def _setitem(machine: Machine, at: int) -> int:
    value, key = machine.stack.pop(), machine.stack.pop()
    _put(machine, machine.stack[-1], [key, value])
    return at


def _setitems(machine: Machine, at: int) -> int:
    items = machine.marked()
    _put(machine, machine.stack[-1], items)
    return at


def _additems(machine: Machine, at: int) -> int:
    items = machine.marked()
    _add(machine, _only(machine.stack[-1], set), items)
    return at


def _set(machine: Machine, at: int) -> int:
    items = machine.marked()
    machine.stack.append(_add(machine, set(), items))
    return at


def _add(machine: Machine, target: set[Any], items: list[Any]) -> set[Any]:
    for item in items:
        target.add(machine.key(item, len(target)))
    return target


def _dict(machine: Machine, at: int) -> int:
    items = machine.marked()
    machine.stack.append(_put(machine, {}, items))
    return at


def _put(machine: Machine, target: Any, items: list[Any]) -> dict[Any, Any]:
    _only(target, dict)
    if len(items) % 2:
        raise BadPickle("a dict of it has a key without a value")
    for index in range(0, len(items), 2):
        key = items[index]
        target[key if type(key) is str else machine.key(key, len(target))] = items[index + 1]
    found: dict[Any, Any] = target
    return found


def _only(target: Any, kind: type) -> Any:
    if type(target) is not kind:
        raise BadPickle(f"it fills a {type(target).__name__} like a {kind.__name__}")
    return target


def _put_byte(machine: Machine, at: int) -> int:
    machine.memo[machine.data[at]] = machine.stack[-1]
    return at + 1


def _get_line(machine: Machine, at: int) -> int:
    line, end = machine.line(at)
    machine.stack.append(machine.memo[int(line)])
    return end


def _put_line(machine: Machine, at: int) -> int:
    line, end = machine.line(at)
    number = int(line)
    if not 0 <= number < len(machine.data):  # they are counted, and each takes bytes
        raise BadPickle("it remembers a value under a number that nobody counts to")
    machine.memo[number] = machine.stack[-1]
    return end


def _memoize(machine: Machine, at: int) -> int:
    machine.memo[len(machine.memo)] = machine.stack[-1]
    return at


def _global(machine: Machine, at: int) -> int:
    module, at = machine.line(at)
    name, at = machine.line(at)
    machine.stack.append(machine.lookup(text(module), text(name)))
    return at


def _stack_global(machine: Machine, at: int) -> int:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise BadPickle("it names a global by what is no text")
    machine.stack.append(machine.lookup(module, name))
    return at


def _inst(machine: Machine, at: int) -> int:
    at = _global(machine, at)
    function = machine.stack.pop()
    arguments = machine.marked()
    machine.stack.append(machine.call(function, tuple(arguments)))
    return at


def _obj(machine: Machine, at: int) -> int:
    function, *arguments = machine.marked()
    machine.stack.append(machine.call(function, tuple(arguments)))
    return at


def _reduce(machine: Machine, at: int) -> int:
    arguments = machine.stack.pop()
    machine.stack[-1] = machine.call(machine.stack[-1], arguments)
    return at


def _newobj_ex(machine: Machine, at: int) -> int:
    if machine.stack.pop() != {}:
        raise BadPickle("it passes arguments by name")
    return _reduce(machine, at)


def _build(machine: Machine, at: int) -> int:
    """Ours have no attributes, and what hangs on a state dict is no tensor of it."""
    machine.stack.pop()
    target = machine.stack[-1]
    if type(target) is not dict and type(target) is not Unknown:
        raise BadPickle(f"it changes a {type(target).__name__}")
    return at


def _persistent(machine: Machine, at: int) -> int:
    machine.stack[-1] = machine.persistent(machine.stack[-1])
    return at


def _extension(machine: Machine, at: int) -> int:
    raise Forbidden("a function that it names by an extension code")


_BY_SIGN: dict[bytes, Operation] = {
    **VALUES,
    b"0": _pop,
    b"1": _pop_mark,
    b"2": _dup,
    b"\x85": _tuple1,
    b"\x86": _tuple2,
    b"\x87": _tuple3,
    b"l": _group(list),
    b"d": _dict,
    b"\x91": _set,
    b"a": _append,
    b"e": _appends,
    b"s": _setitem,
    b"u": _setitems,
    b"\x90": _additems,
    b"g": _get_line,
    b"p": _put_line,
    b"q": _put_byte,
    b"\x94": _memoize,
    b"c": _global,
    b"\x93": _stack_global,
    b"i": _inst,
    b"o": _obj,
    b"R": _reduce,
    b"\x81": _reduce,  # an object of a class
    b"\x92": _newobj_ex,
    b"b": _build,
    b"Q": _persistent,
    b"\x82": _extension,
    b"\x83": _extension,
    b"\x84": _extension,
}

OPERATIONS = {sign[0]: operation for sign, operation in _BY_SIGN.items()}
"""By the byte that stands for them."""
