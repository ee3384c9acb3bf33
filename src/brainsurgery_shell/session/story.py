"""What a journal tells, without replaying it: the steps in force, and what is unsaved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from brainsurgery_shell.session.unsaved import Aliases, note_turn

Entry = dict[str, Any]
"""One line of a journal."""


@dataclass(slots=True)
class Story:
    """What a journal tells, entry by entry, as a session's timeline goes."""

    steps: list[Entry] = field(default_factory=list)
    """Those in force."""
    unsaved: set[str] = field(default_factory=set)
    """Aliases with edits that no save has written since; undoing past a save counts as one."""
    _undone: list[list[Entry]] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Story:
        """All of a journal, or its end."""
        story = cls()
        for entry in entries:
            if entry["kind"] == "step":
                story._step(entry)
            elif entry["kind"] in ("undo", "redo"):
                story._turn(entry["kind"], entry["count"])
        return story

    def _step(self, entry: Entry) -> None:
        self.steps.append(entry)
        self._change(entry)
        if entry["role"] == "edit":
            self._undone.clear()

    def _change(self, step: Entry) -> None:
        """An executed file edits and saves in the order of its parts."""
        for part in step.get("parts", ()):
            if part["kind"] == "step":
                self._change(part)
        if step["role"] == "edit" and "parts" not in step:
            note_turn("redo", list(_changes(step)), self.unsaved)
        elif step["role"] == "save":
            self.unsaved.discard(step.get("saved"))

    def _turn(self, kind: str, count: int) -> None:
        for _ in range(count):
            if kind == "redo" and self._undone:
                group = self._undone.pop()
                self.steps += group
            elif kind == "undo" and any(step["role"] == "edit" for step in self.steps):
                at = max(at for at, step in enumerate(self.steps) if step["role"] == "edit")
                group = self.steps[at:]
                del self.steps[at:]
                self._undone.append(group)
            else:
                return  # that lies before the part of the journal that was read
            note_turn("undo" if kind == "undo" else "redo", list(_changes(group[0])), self.unsaved)
        if not any(step["role"] == "edit" for step in self.steps):
            self.unsaved.clear()


def _changes(step: Entry) -> Iterator[Aliases]:
    """Of the edits that a step stands for, in order."""
    for part in step.get("parts", ()):
        if part["kind"] == "step":
            yield from _changes(part)
    if step["role"] == "edit" and "parts" not in step:
        yield Aliases.of(step.get("aliases", ()), step.get("came", ()), step.get("went", ()))
