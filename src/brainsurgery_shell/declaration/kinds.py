"""Kinds of parameter. A kind accepts a value or says the problem; it is described and completed by itself.

Everything that differs between arguments lives here, once: validation, help, completion, JSON Schema.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from brainsurgery_shell.errors import StepError, did_you_mean
from brainsurgery_shell.graph.dtypes import ALL, DType, parse_dtype
from brainsurgery_shell.lang.printer import print_node
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.sizes import parse_size
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Mapping, Node, Scalar
from brainsurgery_shell.lang.tree import Sequence as ListNode

Rename = Callable[["Reference | Template"], str]
"""From a reference or template to the one name it stands for."""

Completes = Literal[
    "tensors",
    "names",
    "captures",
    "aliases",
    "dtypes",
    "choices",
    "paths",
    "topics",
    "expressions",
    "nothing",
]


class Kind(ABC):
    """What a parameter takes."""

    words: str = "a value"
    """What is expected, in an error and in help."""
    completes: Completes = "nothing"
    """Where candidates come from."""

    @abstractmethod
    def accept(self, node: Node) -> Any:
        """The argument as operations get it.

        Raises:
            StepError: it is not what the kind takes.
        """

    def reject(self, node: Node, hint: str | None = None) -> NoReturn:
        """Raise the error that this is not what was expected."""
        raise StepError(f"expected {self.words}, found {shown(node)}", hint=hint, span=node.span)

    def choices(self) -> Sequence[str]:
        """The values it takes, where they are few."""
        return ()

    def matched(self, value: Any) -> Reference | None:
        """The reference in an accepted value that is matched, if the kind holds one."""
        return None

    def named(self, value: Any, name: Rename) -> Node | None:
        """An accepted value with concrete names in place of its references; ``None``: it has none."""
        return None

    def alone(self, value: Any, at: int) -> Node | None:
        """What a value with an item for each match says of match ``at`` alone; ``None``: it has none such."""
        return None

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its values."""
        return {}


def shown(node: Node) -> str:
    """A value as an error quotes it, its type included."""
    if isinstance(node, ListNode):
        return f"the list {print_node(node)}"
    if isinstance(node, Mapping):
        return f"the map {print_node(node)}"
    if isinstance(node.value, str):
        return f"the string '{node.value}'"
    return print_node(node)


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


class Boolean(Kind):
    """True or false."""

    words = "true or false"
    completes: Completes = "choices"

    def accept(self, node: Node) -> bool:
        """Booleans alone."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.reject(node)

    def choices(self) -> Sequence[str]:
        """Both."""
        return ("true", "false")

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    options: tuple[str, ...]
    completes: Completes = "choices"

    @property
    def words(self) -> str:  # type: ignore[override]
        """All of them."""
        return " | ".join(self.options)

    def accept(self, node: Node) -> str:
        """One of the words."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value in self.options:
            return node.value
        hint = did_you_mean(str(node.value), self.options) if isinstance(node, Scalar) else None
        self.reject(node, hint=hint)

    def choices(self) -> Sequence[str]:
        """All of them."""
        return self.options

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.options)}


@dataclass(frozen=True)
class Text(Kind):
    """A string."""

    words: str = "a string"
    completes: Completes = "nothing"

    def accept(self, node: Node) -> str:
        """Strings; numbers must be quoted."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        hint = "quote it" if isinstance(node, Scalar) and node.value is not None else None
        self.reject(node, hint=hint)

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string"}


@dataclass(frozen=True)
class Label(Text):
    """A short string for which a number stands for its digits (an alias, a file name)."""

    def accept(self, node: Node) -> str:
        """Strings and whole numbers."""
        if isinstance(node, Scalar) and type(node.value) is int:
            return str(node.value)
        return super().accept(node)

    def schema(self) -> dict[str, Any]:
        """A string or a whole number."""
        return {"type": ["string", "integer"]}


class DTypeKind(Kind):
    """A dtype by its torch name."""

    words = "a dtype"
    completes: Completes = "dtypes"

    def accept(self, node: Node) -> DType:
        """Torch names and the usual short ones."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            self.reject(node)
        try:
            return parse_dtype(node.value)
        except StepError as error:
            raise error.located(span=node.span) from None

    def choices(self) -> Sequence[str]:
        """Every dtype."""
        return [dtype.name for dtype in ALL]

    def schema(self) -> dict[str, Any]:
        """One of the names, or a short form of one."""
        return {"anyOf": [{"enum": list(self.choices())}, {"type": "string"}]}


class Size(Kind):
    """A number of bytes: a whole number, or one with a binary unit; ``none`` for no limit."""

    words = "a size such as 500MB, 5GB or none"

    def accept(self, node: Node) -> int | None:
        """Bytes, or ``None`` for no limit."""
        if isinstance(node, Scalar):
            if type(node.value) is int and node.value > 0:
                return node.value
            if node.value is None:
                return None
            if isinstance(node.value, str):
                try:
                    return parse_size(node.value)
                except StepError as error:
                    raise error.located(span=node.span) from None
        self.reject(node)

    def schema(self) -> dict[str, Any]:
        """A string or a number."""
        return {"type": ["string", "integer", "null"], "minimum": 1}


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
