"""Steps that stand for other steps: a list of them as a parameter, and what an operation gives for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsurgery_shell.declaration.kinds import Kind
from brainsurgery_shell.errors import Source, StepError, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.tree import Command, Mapping, Node, Scalar, Sequence, command_of


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of several: a command, or a line of a script as it stands there."""

    command: Command | None
    source: Source
    """Where it stands; of a line, what it says."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The steps that one step stands for. They run as one: whole or not at all, undone together."""

    steps: tuple[Planned, ...]
    folder: Path | None = None
    """What their relative paths start from, if that is not the working folder."""
    file: Path | None = None
    """The file that they stand in."""


class Steps(Kind):
    """A list of steps, as ``transforms`` of a plan."""

    words = "a list of steps, each a map with one operation, or a string that is OLY"

    def accept(self, node: Node) -> tuple[Command, ...]:
        """The commands; items that hold a comment alone are none."""
        if not isinstance(node, Sequence):
            self.reject(node)
        found = (self._command(item) for item in node.items)
        return tuple(each for each in found if each is not None)

    def _command(self, item: Node) -> Command | None:
        if isinstance(item, Scalar) and isinstance(item.value, str):
            try:
                return parse_line(item.value)
            except SurgeryError as error:
                raise StepError(error.message, hint=error.hint, span=item.span) from None
        if not isinstance(item, Mapping) or len(item.pairs) != 1:
            self.reject(item, hint="each step is { operation: { parameters } }")
        return command_of(item.pairs[0])

    def schema(self) -> dict[str, Any]:
        """A list; the schema of a plan says what a step is."""
        return {"$ref": "#/$defs/transforms"}


def inline(commands: Iterable[Command]) -> Expansion:
    """Steps that were written where they are executed."""
    from brainsurgery_shell.lang.printer import print_command

    return Expansion(tuple(Planned(command, Source(print_command(command))) for command in commands))
