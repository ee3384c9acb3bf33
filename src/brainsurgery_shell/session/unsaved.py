"""Which checkpoints have edits that no save has written: told alike of a session and of its journal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple


class Aliases(NamedTuple):
    """What an edit changes: tensors of some checkpoints or, without tensors, which checkpoints are open."""

    changed: frozenset[str]
    came: frozenset[str] = frozenset()
    went: frozenset[str] = frozenset()

    @classmethod
    def of(cls, changed: Iterable[str], came: Iterable[str], went: Iterable[str]) -> Aliases:
        """From any names; where some came or went, nothing else changed."""
        came, went = frozenset(came), frozenset(went)
        return cls(frozenset() if came or went else frozenset(changed), came, went)

    def note_done(self, unsaved: set[str]) -> None:
        """The edit was made, or made again. A checkpoint that is renamed keeps its unsaved edits."""
        renamed = bool(unsaved & self.went)
        unsaved -= self.went
        unsaved |= self.changed | (self.came if renamed else frozenset())

    def note_undone(self, unsaved: set[str]) -> None:
        """The edit was taken back. What had been removed may have had unsaved edits."""
        again = bool(unsaved & self.came) or not self.came
        unsaved -= self.came
        unsaved |= self.changed | (self.went if again else frozenset())


def note_turn(what: Literal["undo", "redo"], edits: list[Aliases], unsaved: set[str]) -> None:
    """The edits of one step, in order, were taken back or made again."""
    if what == "redo":
        for edit in edits:
            edit.note_done(unsaved)
    else:
        for edit in reversed(edits):
            edit.note_undone(unsaved)
