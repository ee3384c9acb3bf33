"""What is remembered of steps: in the journal, on the timeline, or as parts of a file that runs."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.tree import Command
from brainsurgery_shell.session.journal import Journal, entry_of
from brainsurgery_shell.session.record import Record, Role, Timeline
from brainsurgery_shell.session.story import Entry


@dataclass(slots=True)
class Group:
    """The steps of one file that have run so far."""

    file: Path | None
    dry: bool
    """Whether a dry run was in force when it began."""
    parts: list[Record] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    """What the journal will say of them."""

    def record(self, command: Command) -> Record:
        """All of them as one step."""
        roles: set[Role] = {part.role for part in self.parts}
        role: Role = "edit" if "edit" in roles else "save" if "save" in roles else "assert"
        return Record(
            0,
            command,
            role,
            sum(part.count for part in self.parts),
            nbytes=sum(part.nbytes for part in self.parts),
            inverse=[each for part in reversed(self.parts) for each in part.inverse],
            aliases=frozenset().union(*(part.aliases for part in self.parts)),
            parts=self.parts,
        )


@dataclass(slots=True)
class Line:
    """A line that was run, as it was typed."""

    text: str
    time: float | None
    record: Record | None = None
    """What became of it, if that was recorded."""


class Recorder:
    """Records steps. A file that is being executed collects its own, until it is one step itself."""

    def __init__(self, journal: Journal | None, *, writes: bool) -> None:
        self.journal = journal
        self.timeline = Timeline()
        self.lines: list[Line] = []
        """What was typed, or ran without being typed, in order."""
        self._answered = True
        """Whether the last of them is known to have done something."""
        self.groups: list[Group] = []
        """Files that are being executed, the innermost last."""
        self.replaying = False
        """Whether the journal is read, so that nothing is to be written into it."""
        self.rehearses = False
        """Whether steps run on a copy that will be dropped, and the timeline is that copy's."""
        self._writes = writes

    def write(self, entry: Entry) -> None:
        """Append an entry to the journal, if there is one and this is no rehearsal.

        Raises:
            StorageError: it cannot be written.
        """
        if self.journal is not None and self._records:
            self.journal.append(entry)

    @property
    def _records(self) -> bool:
        """Whether what happens now belongs into the journal."""
        return self._writes and not self.replaying and not self.rehearses

    def note_line(self, text: str, when: float | None = None) -> None:
        """A line is about to run. Comments are none, nor are those of a file that is executed.

        A journal that cannot be written stops no line: its step says so, if it has to be in there.
        """
        text = text.strip()
        if self.groups or not text or text.startswith("#"):
            return
        when = when or time.time()
        if self.journal is not None and self._records:
            with suppress(StorageError):
                self.journal.append({"kind": "line", "text": text, "time": round(when, 3)}, durable=False)
        self.lines.append(Line(text, when))
        self._answered = False

    def answer(self, text: str, record: Record | None = None) -> None:
        """The last line did something; ``text`` stands in for it where an older journal holds no lines."""
        if self._answered:
            self.lines.append(Line(text, record.time if record is not None else None))
        self.lines[-1].record = record
        self._answered = True

    def record(self, record: Record, folder: Path, group: Group | None = None) -> None:
        """Into the journal first: a step is reported only when it is on the disk.

        ``record.seconds`` is when it began; ``group`` has the parts of an executed file.

        Raises:
            StorageError: it cannot be written; nothing is remembered.
        """
        record.folder = folder
        record.seconds = time.perf_counter() - record.seconds
        record.time = time.time()
        record.number = 0 if self.groups else len(self.timeline.everything) + 1
        entry = entry_of(record, group.entries if group is not None else None)
        within = self._within()
        if within is not None:
            within.entries.append(entry)
        else:
            self.write(entry)
        self.remember(record)

    def remember(self, record: Record) -> None:
        """A step was executed: of the file that is being executed, else of the session."""
        within = self._within()
        if within is not None:
            within.parts.append(record)
            return
        self.timeline.add(record)
        if not self.groups:
            self.answer(print_command(record.command), record)

    def recall(self, entry: Entry) -> None:
        """Of the step that was replayed last: what the journal says of when it ran, and what it found out."""
        within = self._within()
        record = (within.parts if within is not None else self.timeline.everything)[-1]
        record.time = entry.get("time")
        record.seconds = entry.get("seconds", 0.0)
        record.nbytes = entry.get("nbytes", record.nbytes)
        record.drawn = entry.get("drawn", {})
        record.mark = entry.get("mark")

    def note_kept(self, entry: Entry) -> None:
        """A source was linked aside. It stays so, whatever becomes of the file that is being executed."""
        self.write(entry)
        if self.groups:
            self.groups[-1].entries.append(entry)

    def close(self) -> None:
        """Release the journal's lock."""
        if self.journal is not None:
            self.journal.close()

    def _within(self) -> Group | None:
        """The file whose part a step is now; what is rehearsed is no part of it."""
        within = self.groups[-1] if self.groups else None
        return within if within is not None and within.dry == self.rehearses else None
