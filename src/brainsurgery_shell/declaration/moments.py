"""Moments of a session: the state just after one of its steps, named by the step's number or by a mark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from brainsurgery_shell.declaration.kind import Kind
from brainsurgery_shell.declaration.kinds import Label
from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.lang.names import is_name
from brainsurgery_shell.lang.tree import Node, Scalar

Moment: TypeAlias = int | str
"""Just after the step with that number (0: as the session began), or where a mark was made."""


Offered = Literal["moments", "moments in force", "undone moments"]


@dataclass(frozen=True)
class Moments(Kind):
    """A moment."""

    offered: Offered = "moments"
    """Which are worth offering."""
    words = "the number of a step, or the name of a mark"

    def accept(self, node: Node) -> Moment:
        """A whole number from 0 up, or a name."""
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is int and value >= 0:
            return value
        if isinstance(value, str) and is_name(value):
            return value
        self.reject(node, hint="journal lists them")

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Marks, then steps."""
        return asked.known(self.offered)

    def schema(self) -> dict[str, Any]:
        """A number or a string."""
        return {"type": ["integer", "string"], "minimum": 0}


class NewMark(Label):
    """A name for a mark."""

    def accept(self, node: Node) -> str:
        """A name as those of aliases: no number, which would be that of a step."""
        if isinstance(node, Scalar) and type(node.value) is int:
            self.reject(node, hint="numbers are those of steps; begin with a letter, as in before-merge")
        name = super().accept(node)
        if not is_name(name):
            self.reject(node, hint="letters, digits, _ and -, beginning with a letter or _")
        return name

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Marks that can be made anew."""
        return asked.known("marks")

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string"}
