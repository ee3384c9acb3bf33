"""Steps that stand for other steps: a list of them as a parameter, and what an operation gives for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsurgery_shell.declaration.kinds import Completes, Kind
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
    completes: Completes = "steps"

    def accept(self, node: Node) -> tuple[Command, ...]:
        """The commands; items that hold a comment alone are none."""
        if not isinstance(node, Sequence):
            self.reject(node)
        found = (_command(self, item) for item in node.items)
        return tuple(each for each in found if each is not None)

    def schema(self) -> dict[str, Any]:
        """A list; the schema of a plan says what a step is."""
        return {"$ref": "#/$defs/transforms"}


class OneStep(Kind):
    """One step, written as in ``transforms``."""

    words = "a step: a map with one operation, or a string that is OLY"
    completes: Completes = "step"

    def accept(self, node: Node) -> Planned:
        """The command; of a string, with what it says."""
        command = _command(self, node)
        if command is None:
            self.reject(node)
        return Planned(command, Source(str(node.value) if isinstance(node, Scalar) else ""))

    def schema(self) -> dict[str, Any]:
        """A string, or a map with one key; any operation will do, not only those of plans."""
        return {"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]}


def _command(kind: Kind, item: Node) -> Command | None:
    """The command in a map or string; ``None`` if that holds a comment alone."""
    if isinstance(item, Scalar) and isinstance(item.value, str):
        try:
            return parse_line(item.value)
        except SurgeryError as error:
            raise StepError(error.message, hint=error.hint, span=item.span) from None
    if not isinstance(item, Mapping) or len(item.pairs) != 1:
        kind.reject(item, hint="each step is { operation: { parameters } }")
    return command_of(item.pairs[0])


def inline(commands: Iterable[Command]) -> Expansion:
    """Steps that were written where they are executed: each as a line of its own, in which its errors are."""
    from brainsurgery_shell.lang.printer import print_command

    lines = map(print_command, commands)
    return Expansion(tuple(Planned(parse_line(line), Source(line)) for line in lines))
