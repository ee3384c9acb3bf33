"""What a session remembers of a step that was executed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from brainsurgery_shell.lang.tree import Command, Mapping, Node, Pair, Scalar
from brainsurgery_shell.workspace.edit import Edit

Role = Literal["edit", "assert", "save", "inspect"]
"""An edit can be undone; asserts and saves belong to the plan; inspections only if they are asked for."""


@dataclass(slots=True)
class Record:
    """One executed step."""

    number: int
    command: Command
    """As executed: drawn seeds are written into it."""
    role: Role
    count: int = 0
    seconds: float = 0.0
    inverse: Edit | None = None
    """What takes an edit back; of an edit that was undone, what brings it back."""
    aliases: frozenset[str] = frozenset()
    """Checkpoints that it changed."""
    undone: bool = False
    saved_alias: str | None = None
    """The checkpoint that a save wrote, if it wrote a whole one."""
    folder: Path = Path()
    """What its relative paths start from."""


@dataclass(slots=True)
class Timeline:
    """The steps in force, those undone, and all of them by number."""

    steps: list[Record] = field(default_factory=list)
    undone: list[list[Record]] = field(default_factory=list)
    """Groups that ``redo`` brings back, the latest last: an edit and what followed it."""
    everything: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """A step was executed; a new edit ends what could be redone."""
        self.steps.append(record)
        self.everything.append(record)
        if record.role == "edit":
            self.undone.clear()

    def last_edit(self) -> int | None:
        """Where the last edit in force stands in ``steps``."""
        for at in range(len(self.steps) - 1, -1, -1):
            if self.steps[at].role == "edit":
                return at
        return None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back for a moment: what happens within happens whole."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def with_arguments(command: Command, extra: dict[str, int], primary: str | None) -> Command:
    """``command`` with further arguments written into it."""
    if not extra:
        return command
    payload: Node | None = command.payload
    pairs: tuple[Pair, ...] = ()
    if isinstance(payload, Mapping):
        pairs = payload.pairs
    elif payload is not None and primary is not None:
        pairs = (Pair(primary, payload),)
    added = tuple(Pair(name, Scalar(value)) for name, value in extra.items())
    return Command(command.name, Mapping((*pairs, *added)), command.name_span)
