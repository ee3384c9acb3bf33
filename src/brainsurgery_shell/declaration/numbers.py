"""Kinds of parameter that are numbers, or lists of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.kind import Kind
from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.lang.tree import Node, Scalar
from brainsurgery_shell.lang.tree import Sequence as ListNode


@dataclass(frozen=True)
class Number(Kind):
    """A whole number or a float, bounded below; with a bound, NaN is none."""

    least: int | None = None

    @property
    def words(self) -> str:  # type: ignore[override]
        """With the bound."""
        return "a number" if self.least is None else f"a number from {self.least} up"

    def accept(self, node: Node) -> int | float:
        """Numbers; booleans are none."""
        if isinstance(node, Scalar) and type(node.value) in (int, float):
            value: int | float = node.value  # type: ignore[assignment]
            if self.least is not None and not value >= self.least:
                self.reject(node)
            return value
        if isinstance(node, Scalar) and isinstance(node.value, str) and _is_number(node.value):
            self.reject(node, hint=f"without quotes, {node.value} is a number" if node.quoted else None)
        self.reject(node)

    def schema(self) -> dict[str, Any]:
        """A number."""
        return {"type": "number"} | ({} if self.least is None else {"minimum": self.least})


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number, bounded below."""

    least: int | None = None

    @property
    def words(self) -> str:  # type: ignore[override]
        """With the bound."""
        return "a whole number" if self.least is None else f"a whole number from {self.least} up"

    def accept(self, node: Node) -> int:
        """Whole numbers; neither booleans nor floats."""
        if not isinstance(node, Scalar) or type(node.value) is not int:
            self.reject(node)
        if self.least is not None and node.value < self.least:
            self.reject(node)
        return node.value

    def schema(self) -> dict[str, Any]:
        """An integer."""
        return {"type": "integer"} | ({} if self.least is None else {"minimum": self.least})


@dataclass(frozen=True)
class Integers(Kind):
    """A list of whole numbers."""

    words: str = "a list of whole numbers"
    least: int | None = None

    def accept(self, node: Node) -> tuple[int, ...]:
        """All of them."""
        if not isinstance(node, ListNode):
            self.reject(node)
        one = Integer(self.least)
        return tuple(one.accept(item) for item in node.items)

    def schema(self) -> dict[str, Any]:
        """A list."""
        return {"type": "array", "items": Integer(self.least).schema()}


@dataclass(frozen=True)
class ShapeKind(Integers):
    """A shape: it starts from that of the tensors."""

    words: str = "a shape"

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """The shapes that the tensors have."""
        found = asked.matches()
        shapes = dict.fromkeys(tensor.shape for tensor in found.tensors) if found is not None else ()
        return [Offer(str(list(shape)), "as it is now", literal=True) for shape in shapes]


@dataclass(frozen=True)
class Count(Integer):
    """How many tensors match."""

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """How many do."""
        found = asked.matches()
        return [] if found is None else [Offer(str(found.count), "so many match now", literal=True)]


class Value(Kind):
    """A number, or true or false for a tensor of booleans."""

    words = "a number (or true or false, for a bool tensor)"

    def accept(self, node: Node) -> int | float | bool:
        """Numbers and booleans."""
        if isinstance(node, Scalar) and isinstance(node.value, (int, float)):
            return node.value
        self.reject(node)

    def schema(self) -> dict[str, Any]:
        """A number or a boolean."""
        return {"type": ["number", "boolean"]}


class Values(Kind):
    """Numbers, nested in lists as the tensor's dims are."""

    words = "numbers in nested lists"

    def accept(self, node: Node) -> Any:
        """Nested lists of numbers and booleans."""
        if isinstance(node, ListNode):
            return [self.accept(item) for item in node.items]
        if isinstance(node, Scalar) and isinstance(node.value, (int, float)):
            return node.value
        self.reject(node)

    def schema(self) -> dict[str, Any]:
        """A number, or lists of such."""
        return {"type": ["number", "boolean", "array"]}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
