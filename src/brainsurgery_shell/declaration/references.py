"""Kinds of parameter that name tensors: references, templates, lists of them, conditions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from brainsurgery_shell.declaration.kinds import Completes, DTypeKind, Integer, Kind, Rename, Size
from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.errors import StepError, did_you_mean
from brainsurgery_shell.lang.reference import Reference, parse_reference, parse_template
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Mapping, Node, Scalar
from brainsurgery_shell.lang.tree import Sequence as ListNode
from brainsurgery_shell.workspace.matching import Where


class Tensors(Kind):
    """A reference: it is matched."""

    words = "a reference (a regex, or a list of segments)"
    completes: Completes = "tensors"

    def accept(self, node: Node) -> Reference:
        """A regex or a structured pattern."""
        if isinstance(node, Mapping):
            self.reject(node)
        return parse_reference(node)

    def matched(self, value: Any) -> Reference | None:
        """Itself."""
        reference: Reference | None = value
        return reference

    def named(self, value: Any, name: Rename) -> Node | None:
        """The matched tensor's name."""
        return Scalar(name(value))

    def schema(self) -> dict[str, Any]:
        """A string, or a list of segments."""
        return _reference_schema()


@dataclass(frozen=True)
class Names(Kind):
    """A template: names filled for each match; for destinations or further sources."""

    words: str = "a name or template"
    completes: Completes = "captures"

    def accept(self, node: Node) -> Template:
        """A string or structured template."""
        if isinstance(node, Mapping):
            self.reject(node)
        return parse_template(node)

    def named(self, value: Any, name: Rename) -> Node | None:
        """The name it is filled to."""
        return Scalar(name(value))

    def schema(self) -> dict[str, Any]:
        """A string, or a list of segments."""
        return _reference_schema()


@dataclass(frozen=True)
class ListOf(Kind):
    """A list of another kind's values."""

    item: Kind
    least: int = 1

    @property
    def words(self) -> str:  # type: ignore[override]
        """With the items' words."""
        return f"a list, each item {self.item.words}"

    @property
    def completes(self) -> Completes:  # type: ignore[override]
        """As its items."""
        return self.item.completes

    def accept(self, node: Node) -> list[Any]:
        """Every item."""
        if not isinstance(node, ListNode):
            self.reject(node)
        if len(node.items) < self.least:
            self.reject(node, hint=f"at least {self.least}")
        return [self.item.accept(item) for item in node.items]

    def named(self, value: Any, name: Rename) -> Node | None:
        """Each item by its name, if items have names."""
        items = [self.item.named(each, name) for each in value]
        return ListNode(tuple(each for each in items if each is not None)) if None not in items else None

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {"type": "array", "items": self.item.schema(), "minItems": self.least}


def _reference_schema() -> dict[str, Any]:
    segments = {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1}
    return {"anyOf": [{"type": "string"}, segments]}


class Conditions(Kind):
    """What tensors must satisfy: dtype, rank, min_size, max_size."""

    words = "a map with dtype, rank, min_size or max_size"
    fields: dict[str, Kind] = {  # noqa: RUF012 - read only
        "dtype": DTypeKind(),
        "rank": Integer(0),
        "min_size": Size(),
        "max_size": Size(),
    }

    def keys(self, asked: Asked) -> Iterable[Offer]:
        """The conditions."""
        return [Offer(name, kind.words) for name, kind in self.fields.items()]

    def accept(self, node: Node) -> Where:
        """The conditions that are given."""
        if not isinstance(node, Mapping):
            self.reject(node)
        values: dict[str, Any] = {}
        for pair in node.pairs:
            kind = self.fields.get(pair.key)
            if kind is None:
                raise StepError(
                    f"unknown condition '{pair.key}'",
                    hint=did_you_mean(pair.key, self.fields) or f"known: {', '.join(self.fields)}",
                    span=pair.key_span,
                )
            values[pair.key] = kind.accept(pair.value)
        return Where(**values)

    def schema(self) -> dict[str, Any]:
        """An object."""
        properties = {name: kind.schema() for name, kind in self.fields.items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
