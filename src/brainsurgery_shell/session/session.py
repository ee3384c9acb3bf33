"""A session: the workspace, the steps that made it, and the journal that can make it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.declaration.bind import Step, bind
from brainsurgery_shell.declaration.context import Context, SaveRequest
from brainsurgery_shell.errors import StepError, SurgeryError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.tree import Command
from brainsurgery_shell.ops import load_all
from brainsurgery_shell.session.journal import Entry, Journal, new_name
from brainsurgery_shell.session.opening import Sources
from brainsurgery_shell.session.record import (
    Record,
    Role,
    Timeline,
    uninterrupted,
    with_arguments,
)
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import Edit, Report
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator


Turn = Callable[[Workspace, int], list[Record]]


@dataclass(frozen=True, slots=True)
class Input:
    """A checkpoint that the session began with."""

    alias: str
    shown: str
    path: Path
    fingerprint: str


class Session:
    """Executes commands. Implements what operations are handed (``Services``)."""

    def __init__(
        self,
        settings: Settings,
        *,
        name: str | None = None,
        folder: Path | None = None,
        warn: Callable[[str], None] = lambda text: None,
        tick: Callable[[int], None] = lambda nbytes: None,
    ) -> None:
        from brainsurgery_shell.graph.files import FilePool

        load_all()
        self.settings = settings
        self.name = name or new_name()
        self.folder = folder or Path.cwd()
        self.warn = warn
        self.tick = tick
        self.workspace = Workspace()
        self.timeline = Timeline()
        self.inputs: list[Input] = []
        self.sources = Sources(FilePool(), self.folder)
        self.leaving = False
        self.unsaved_aliases: set[str] = set()
        self.summary_folder: Path | None = None
        """Where a summary is about to be written: its relative paths start there."""
        self.journal = Journal(self.name) if settings.journal and not settings.dry_run else None
        self.replaying = False
        self._written_alias: str | None = None
        """Which checkpoint the last save wrote."""
        self._evaluator: Evaluator | None = None

    # What surfaces call

    @property
    def unsaved(self) -> bool:
        """Whether there are edits in force that no save has written."""
        return bool(self.unsaved_aliases)

    def open_input(self, path: str, alias: str) -> None:
        """Open a checkpoint that the session begins with.

        Raises:
            StorageError: it cannot be opened.
        """
        checkpoint = self.sources.open(path)
        self._say_notes()
        origin = checkpoint.origins[0]
        if alias in self.workspace.checkpoints:
            raise StepError(
                f"the alias '{alias}' is given twice", hint="name the inputs: first::path second::path"
            )
        self.workspace.checkpoints[alias] = checkpoint
        self.inputs.append(Input(alias, path, origin.path, origin.fingerprint))
        self._write(
            {
                "kind": "input",
                "alias": alias,
                "shown": path,
                "path": str(origin.path),
                "folder": str(self.folder),
                "fingerprint": origin.fingerprint,
            }
        )

    def execute(self, command: Command) -> Report | None:
        """Run one command: whole, or not at all.

        Raises:
            SurgeryError: it does not check or fails; the workspace is as it was.
            KeyboardInterrupt: likewise.
        """
        started = time.perf_counter()
        step = bind(command)
        context = Context(self.workspace, self, checking=self.settings.dry_run)
        with collector_paused():
            result = step.operation.run(context, **step.arguments)
        if isinstance(result, Edit):
            if not self.settings.dry_run and not self.replaying:
                for check in result.checks:
                    check(self.evaluator)
            with collector_paused():
                self._apply(step, result, started)
            if self.settings.dry_run:
                return Report([f"would do: {print_command(command)} ({result.count} tensors)"])
            return None
        if self._is_recorded(step):
            role: Role = _role(step, result)
            count = result.count if result is not None else 0
            record = Record(
                len(self.timeline.everything) + 1, command, role, count, time.perf_counter() - started
            )
            self._record(record)
            if role == "save" and result is not None:
                self._saved(step, record)
        return result

    def scratch(self) -> Session:
        """A copy that can be edited and thrown away: for checking a plan before it runs."""
        from dataclasses import replace

        copy = Session(
            replace(self.settings, dry_run=True, journal=False), name=self.name, folder=self.folder
        )
        copy.workspace = self.workspace.copy()
        copy.timeline.steps = list(self.timeline.steps)
        copy.sources.folder = self.sources.folder
        return copy

    def close(self) -> None:
        """Release files and the journal's lock."""
        if self._evaluator is not None:
            self._evaluator.close()
        self.sources.files.close()
        if self.journal is not None:
            self.journal.close()

    def _apply(self, step: Step, edit: Edit, started: float) -> None:
        command = with_arguments(step.command, edit.drawn, step.operation.primary)
        aliases = frozenset(edit.tensors) or frozenset(edit.aliases)
        with uninterrupted():
            inverse = self.workspace.apply(edit)
            record = Record(
                len(self.timeline.everything) + 1,
                command,
                "edit",
                edit.count,
                time.perf_counter() - started,
                inverse,
                aliases & self.workspace.checkpoints.keys(),
            )
            try:
                self._record(record)
            except SurgeryError:
                self.workspace.apply(inverse)
                raise
        self.unsaved_aliases |= set(edit.tensors)

    def _record(self, record: Record) -> None:
        """Into the journal first: a step is reported only when it is on the disk."""
        record.folder = self.sources.folder
        entry: Entry = {
            "kind": "step",
            "number": record.number,
            "line": print_command(record.command),
            "role": record.role,
            "count": record.count,
            "seconds": round(record.seconds, 6),
            "time": time.time(),
            "folder": str(self.sources.folder),
        }
        if record.command.name == "load":
            entry["fingerprint"] = self.sources.opened[-1][1].fingerprint
        self._write(entry)
        self.timeline.add(record)

    def _saved(self, step: Step, record: Record) -> None:
        """A whole checkpoint was written: its edits are saved now."""
        if step.arguments.get("target") is not None:
            return
        record.saved_alias = step.arguments.get("alias") or self._written_alias
        self.unsaved_aliases.discard(str(record.saved_alias))

    def _is_recorded(self, step: Step) -> bool:
        return step.operation.in_plans and step.operation.name != "exit"

    def _write(self, entry: Entry) -> None:
        if self.journal is not None and not self.replaying:
            self.journal.append(entry)

    # What operations are handed

    @property
    def evaluator(self) -> Evaluator:
        """Made when something must be computed for the first time."""
        if self._evaluator is None:
            from brainsurgery_shell.graph.evaluate import Evaluator

            self._evaluator = Evaluator(
                memory=self.settings.memory,
                provider=self.settings.provider,
                arena_root=self.settings.arena_root,
                files=self.sources.files,
            )
        return self._evaluator

    def undo(self, count: int) -> Report:
        """Take back the last ``count`` edits and what was asserted or saved after them."""
        return self._turn("undo", self.timeline.undo, self.timeline.redo, count)

    def redo(self, count: int) -> Report:
        """Bring back the last ``count`` undone edits and what followed them."""
        return self._turn("redo", self.timeline.redo, self.timeline.undo, count)

    def _turn(self, what: str, turn: Turn, back: Turn, count: int) -> Report:
        with uninterrupted():
            edits = turn(self.workspace, count)
            try:
                self._write({"kind": what, "count": count})
            except SurgeryError:
                back(self.workspace, count)
                raise
        for edit in edits:
            self.unsaved_aliases |= edit.aliases & self.workspace.checkpoints.keys()
        if not any(record.role == "edit" for record in self.timeline.steps):
            self.unsaved_aliases.clear()  # all is as it was opened
        done = {"undo": "undone", "redo": "redone"}[what]
        return Report([f"{done}: {print_command(edit.command)}" for edit in edits], None, count)

    def history(self) -> Report:
        """Every step of the session, numbered."""
        rows = [
            {
                "number": each.number,
                "line": print_command(each.command),
                "undone": each.undone,
                "count": each.count,
            }
            for each in self.timeline.everything
        ]
        width = len(str(len(rows)))
        lines = [
            f"{row['number']:>{width}}{' (undone)' if row['undone'] else ''}  {row['line']}" for row in rows
        ]
        return Report(lines or ["no steps yet"], rows, len(rows))

    def summarize(self, *, everything: bool, resolve: bool, layout: str) -> Report:
        """The plan of the steps in force."""
        from brainsurgery_shell.session.summary import summarize

        lines = summarize(self, everything=everything, resolve=resolve, layout=layout)
        return Report(lines, None, len(self.timeline.steps))

    def help(self, topic: str | None, expression: str | None) -> list[str]:
        """From the declarations."""
        from brainsurgery_shell.describe import help_text

        return help_text(topic, expression)

    def leave(self) -> None:
        """After this step."""
        self.leaving = True

    def changed_aliases(self) -> list[str]:
        """In the order in which steps changed them."""
        names: dict[str, None] = {}
        for record in self.timeline.steps:
            names |= dict.fromkeys(sorted(record.aliases)) if record.command.name != "load" else {}
        return list(names)

    def open(self, path: str, alias: str, layout: str | None) -> Checkpoint:
        """Headers only."""
        checkpoint = self.sources.open(path, layout)
        self._say_notes()
        return checkpoint

    def _say_notes(self) -> None:
        """What a user should know of the checkpoint that was just opened."""
        path, opened = self.sources.opened[-1]
        if not self.replaying:
            for note in opened.notes:
                self.warn(f"{path.name}: {note}")

    def save(self, request: SaveRequest, checking: bool) -> Report:
        """Write a checkpoint; while checking or replaying, only check."""
        from brainsurgery_shell.session.saving import check_save, save

        self._written_alias = request.alias
        if self.replaying:
            return Report([], None, len(request.tensors))
        plan = check_save(request, self.sources.folder, self.settings.saves)
        if checking:
            return Report(
                [f"would save {len(request.tensors)} tensors to {request.path}"], None, len(request.tensors)
            )
        self._write({"kind": "saving", "path": str(plan.dest)})
        return save(
            request,
            plan,
            self.workspace.checkpoints[request.alias],
            self.evaluator,
            workers=self.settings.saves.workers,
            before_replace=self._before_replace,
            warn=self.warn,
            tick=self.tick,
        )

    def _before_replace(self, path: Path) -> None:
        warning = self.sources.set_aside(path, self.journal)
        if warning is not None:
            self.warn(warning)


def _role(step: Step, result: Report | None) -> Role:
    if not step.operation.replays:
        return "save"
    if step.operation.inspects or (result is not None and result.lines):
        return "inspect"
    return "assert"
