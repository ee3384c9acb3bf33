"""What all kinds of parameter share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NoReturn

from brainsurgery_shell.declaration.offers import Asked, Offer
from brainsurgery_shell.errors import StepError
from brainsurgery_shell.lang.printer import print_node
from brainsurgery_shell.lang.reference import Reference
from brainsurgery_shell.lang.template import Template
from brainsurgery_shell.lang.tree import Mapping, Node
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
    "step",
    "steps",
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

    def offers(self, asked: Asked) -> Iterable[Offer]:
        """Values to choose from. Those that do not go on from what was typed are sorted out later."""
        return [Offer(each) for each in self.choices()]

    def keys(self, asked: Asked) -> Iterable[Offer]:
        """Keys of the map that it takes, if it takes one."""
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
