"""The tree of a command: what was written, with the span of every part.

OLY lines and YAML plans give the same tree. Two trees are equal when they say the same: spans and
quoting do not count, but types do: ``1``, ``1.0``, ``true`` and ``"1"`` are four values; ``.nan`` equals
``.nan``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TypeAlias

from brainsurgery_shell.errors import Span

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""A tree without spans, as plain Python data."""

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A string, whole number, float, boolean or null."""

    value: str | int | float | bool | None
    span: Span = NOWHERE
    quoted: bool = False
    """Whether it stood in quotes; colours and completion want to know, equality does not."""

    def _identity(self) -> tuple[type, object]:
        if isinstance(self.value, float):
            bits = struct.pack("<d", self.value)
            return float, "nan" if self.value != self.value else bits
        return type(self.value), self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scalar) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """A key with its value."""

    key: str
    value: Node
    key_span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Pairs in the order written; a key stands once."""

    pairs: tuple[Pair, ...]
    span: Span = field(default=NOWHERE, compare=False)

    def get(self, key: str) -> Node | None:
        """The value at ``key``, or ``None``."""
        for pair in self.pairs:
            if pair.key == key:
                return pair.value
        return None


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Command:
    """One line: a name, and what follows it (``None`` if nothing does)."""

    name: str
    payload: Node | None = None
    name_span: Span = field(default=NOWHERE, compare=False)


def command_of(pair: Pair) -> Command:
    """The step that a pair is where steps are maps with one key; a null value is no payload."""
    bare = isinstance(pair.value, Scalar) and pair.value.value is None
    return Command(pair.key, None if bare else pair.value, pair.key_span)


def to_value(node: Node) -> Value:
    """The node as plain Python data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [to_value(item) for item in node.items]
    return {pair.key: to_value(pair.value) for pair in node.pairs}


def from_value(value: Value) -> Node:
    """Plain Python data as a node without spans."""
    if isinstance(value, dict):
        return Mapping(tuple(Pair(key, from_value(item)) for key, item in value.items()))
    if isinstance(value, list):
        return Sequence(tuple(from_value(item) for item in value))
    return Scalar(value)


def shifted(command: Command, by: int, line: int) -> Command:
    """``command`` with spans that point ``by`` characters further right, into another line."""

    def span(old: Span) -> Span:
        return Span(old.start + by, old.end + by, line)

    def move(node: Node) -> Node:
        if isinstance(node, Scalar):
            return Scalar(node.value, span(node.span), node.quoted)
        if isinstance(node, Sequence):
            return Sequence(tuple(move(item) for item in node.items), span(node.span))
        pairs = tuple(Pair(pair.key, move(pair.value), span(pair.key_span)) for pair in node.pairs)
        return Mapping(pairs, span(node.span))

    payload = None if command.payload is None else move(command.payload)
    return Command(command.name, payload, span(command.name_span))
