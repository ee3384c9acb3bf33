"""What a session remembers of a step that was executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Literal

from brainsurgery_shell.errors import fail
from brainsurgery_shell.graph.dtypes import DType
from brainsurgery_shell.graph.tensor import LazyTensor
from brainsurgery_shell.lang import tree
from brainsurgery_shell.lang.tree import Command, Node, Pair, Value, from_value
from brainsurgery_shell.session.unsaved import Aliases
from brainsurgery_shell.workspace.edit import Edit
from brainsurgery_shell.workspace.workspace import Workspace

Role = Literal["edit", "assert", "save", "inspect", "mark"]
"""An edit can be undone; asserts and saves belong to the plan; inspections only if they are asked for."""
REMEMBERED: frozenset[Role] = frozenset(("assert", "inspect", "mark"))
"""What a resumed session does not run again: the outcome that the journal holds is trusted."""


@dataclass(slots=True)
class Record:
    """One executed step."""

    number: int
    command: Command
    """As executed: drawn seeds are written into it."""
    role: Role
    count: int = 0
    seconds: float = 0.0
    """How long it took."""
    time: float | None = None
    """When it was over, in seconds since 1970."""
    nbytes: int = 0
    """Of the tensors that it wrote; if it wrote none, of those that it removed."""
    inverse: list[Edit] = field(default_factory=list)
    """What, in this order, takes an edit back; of an edit that was undone, what brings it back."""
    aliases: frozenset[str] = frozenset()
    """Checkpoints that it changed."""
    came: frozenset[str] = frozenset()
    """Checkpoints that it opened, added or gave this name, if that is all it does."""
    went: frozenset[str] = frozenset()
    """Checkpoints that it removed, or gave another name."""
    fingerprint: str | None = None
    """Of the checkpoint that it opened, if it opened one."""
    parts: list[Record] = field(default_factory=list)
    """The steps that it stands for (an executed file), in order; their inverses are its own."""
    undone: bool = False
    saved_alias: str | None = None
    """The checkpoint that a save wrote, if it wrote a whole one."""
    folder: Path = Path()
    """What its relative paths start from."""
    mark: str | None = None
    """The name that it gave to the moment."""
    drawn: dict[str, Value] = field(default_factory=dict)
    """Arguments that it found out (seeds, ranks): they are in ``command``, and were not in what was typed."""

    def changes(self) -> list[Aliases]:
        """Of the edits that it stands for, in order."""
        edits = (leaf for leaf in self.leaves() if leaf.role == "edit")
        return [Aliases.of(edit.aliases, edit.came, edit.went) for edit in edits]

    def leaves(self) -> list[Record]:
        """Itself, or the steps that it stands for."""
        return [leaf for part in self.parts for leaf in part.leaves()] if self.parts else [self]


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

    def leaves(self) -> list[Record]:
        """The steps in force, with the parts of an executed file in its place."""
        return [leaf for record in self.steps for leaf in record.leaves()]

    def copy(self) -> Timeline:
        """A timeline that can go on by itself: undoing there changes no record here."""
        copies: dict[int, Record] = {}
        undone = [record for group in self.undone for record in group]
        for record in (*self.everything, *self.steps, *undone):
            if id(record) not in copies:
                inverse = [each.detached() for each in record.inverse]
                copies[id(record)] = replace(record, inverse=inverse)
        return Timeline(
            [copies[id(record)] for record in self.steps],
            [[copies[id(record)] for record in group] for group in self.undone],
            [copies[id(record)] for record in self.everything],
        )

    def undo(self, workspace: Workspace, count: int) -> list[Record]:
        """Take back the last ``count`` edits, with what was asserted or saved after them; the edits.

        Raises:
            StepError: there are not so many.
        """
        self.require(sum(record.role == "edit" for record in self.steps), count, "undo", "undone")
        edits = []
        for _ in range(count):
            at = next(at for at in range(len(self.steps) - 1, -1, -1) if self.steps[at].role == "edit")
            group = self.steps[at:]
            del self.steps[at:]
            self.undone.append(group)
            edits.append(_turn(workspace, group, undone=True))
        return edits

    def redo(self, workspace: Workspace, count: int) -> list[Record]:
        """Bring back the last ``count`` undone edits, with what followed them; the edits.

        Raises:
            StepError: there are not so many.
        """
        self.require(len(self.undone), count, "redo", "redone")
        edits = []
        for _ in range(count):
            group = self.undone.pop()
            self.steps.extend(group)
            edits.append(_turn(workspace, group, undone=False))
        return edits

    @staticmethod
    def require(available: int, count: int, what: str, done: str) -> None:
        """Raise unless ``count`` edits are there to be undone or redone."""
        if count > available:
            fail(
                f"only {available} edits can be {done}" if available else f"there is nothing to {what}",
                hint=f"{what}: {available}" if available else None,
            )


def _turn(workspace: Workspace, group: list[Record], undone: bool) -> Record:
    """Apply the inverse of a group's edit; its own inverse takes its place."""
    edit = group[0]
    edit.inverse = [workspace.apply(each) for each in edit.inverse][::-1]
    for record in group:
        record.undone = undone
    return edit


def touched_bytes(edit: Edit, inverse: Edit) -> int:
    """Bytes of the tensors that an applied edit wrote; if it wrote none, of those that it removed."""
    if not edit.count:
        return 0
    return _nbytes(edit) or _nbytes(inverse)


def _nbytes(edit: Edit) -> int:
    """Many tensors have few shapes: so they are counted, not asked one by one."""
    opened = (checkpoint.tensors for checkpoint in edit.aliases.values() if checkpoint is not None)
    touched: list[Mapping[str, LazyTensor | None]] = [*edit.tensors.values(), *opened]
    kinds: Counter[tuple[tuple[int, ...], DType]] = Counter()
    for tensors in touched:
        kinds.update(map(attrgetter("shape", "dtype"), filter(None, tensors.values())))
    return sum(LazyTensor(*kind).nbytes * count for kind, count in kinds.items())


def with_arguments(command: Command, extra: dict[str, Value], primary: str | None) -> Command:
    """``command`` with further arguments written into it."""
    if not extra:
        return command
    payload: Node | None = command.payload
    pairs: tuple[Pair, ...] = ()
    if isinstance(payload, tree.Mapping):
        pairs = payload.pairs
    elif payload is not None and primary is not None:
        pairs = (Pair(primary, payload),)
    added = tuple(Pair(name, from_value(value)) for name, value in extra.items())
    return Command(command.name, tree.Mapping((*pairs, *added)), command.name_span)
