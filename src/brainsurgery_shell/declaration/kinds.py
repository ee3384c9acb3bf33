"""Kinds of parameter. A kind accepts a value or says the problem; it is described and completed by itself.

Everything that differs between arguments lives here, once: validation, help, completion, JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.kind import Completes, Kind, Rename, shown
from brainsurgery_shell.declaration.numbers import Count, Integer, Integers, Number, ShapeKind, Value, Values
from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.errors import StepError, did_you_mean
from brainsurgery_shell.graph.dtypes import ALL, DType, parse_dtype
from brainsurgery_shell.lang.sizes import parse_size
from brainsurgery_shell.lang.tree import Node, Scalar

__all__ = [
    "Boolean",
    "Choice",
    "Completes",
    "Count",
    "DTypeKind",
    "Integer",
    "Integers",
    "Kind",
    "Known",
    "Label",
    "Number",
    "Rename",
    "ShapeKind",
    "Size",
    "Text",
    "Value",
    "Values",
    "shown",
]


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

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Both, without quotes."""
        return [Offer(each, literal=True) for each in self.choices()]

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


@dataclass(frozen=True)
class Known(Label):
    """The name of something that the session knows: a mark, another session."""

    what: str = ""
    """What the session is asked for: ``marks``, ``sessions`` …"""

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """All that the session knows."""
        return asked.known(self.what)


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

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Every dtype; first those that the tensors have. What is typed may be a short form."""
        matches = asked.matches()
        now = dict.fromkeys(each.dtype for each in matches.tensors) if matches is not None else {}
        found = [Offer(each.name, f"{_bits(each)}, as now", also=_short(asked.typed, each)) for each in now]
        rest = [each for each in ALL if each not in now]
        return found + [Offer(each.name, _bits(each), also=_short(asked.typed, each)) for each in rest]

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

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Units behind a number; else the usual sizes."""
        if asked.typed.isdecimal():
            return [Offer(asked.typed + unit, about) for unit, about in _UNITS.items()]
        return [Offer(size, "no limit" if size == "none" else "") for size in _USUAL]

    def schema(self) -> dict[str, Any]:
        """A string or a number."""
        return {"type": ["string", "integer", "null"], "minimum": 1}


_USUAL = ("500MB", "1GB", "5GB", "10GB", "none")
_UNITS = {
    "MB": "times 2^20 bytes",
    "GB": "times 2^30 bytes",
    "KB": "times 2^10 bytes",
    "TB": "times 2^40 bytes",
}


def _bits(dtype: DType) -> str:
    return f"{dtype.bits} bits"


def _short(typed: str, dtype: DType) -> tuple[str, ...]:
    """What was typed, if it is another name of this dtype."""
    try:
        return (typed,) if typed and parse_dtype(typed) is dtype else ()
    except StepError:
        return ()
