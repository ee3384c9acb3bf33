"""A session: the workspace, the steps that made it, and the journal that can make it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.collector import collector_paused
from brainsurgery_shell.declaration.bind import Step, bind
from brainsurgery_shell.declaration.context import Context
from brainsurgery_shell.declaration.expansion import Expansion
from brainsurgery_shell.declaration.offers import Offer
from brainsurgery_shell.declaration.operation import Result
from brainsurgery_shell.errors import StepError, SurgeryError, fail
from brainsurgery_shell.graph.leaves import stored_bytes
from brainsurgery_shell.interrupts import uninterrupted
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.tree import Command
from brainsurgery_shell.ops import load_all
from brainsurgery_shell.session.attend import Unwatched, Watch, WatchedFiles, announce, attended
from brainsurgery_shell.session.changes import preview
from brainsurgery_shell.session.journal import Journal, new_name
from brainsurgery_shell.session.opening import Sources
from brainsurgery_shell.session.past import offers
from brainsurgery_shell.session.record import (
    Record,
    Role,
    Timeline,
    touched_bytes,
    with_arguments,
)
from brainsurgery_shell.session.recorder import Group, Recorder
from brainsurgery_shell.session.relocate import facts_of
from brainsurgery_shell.session.services import SessionServices
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.session.together import grouped, run_steps
from brainsurgery_shell.session.unsaved import note_turn
from brainsurgery_shell.workspace.edit import Edit, Report
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator


@dataclass(frozen=True, slots=True)
class Input:
    """A checkpoint that the session began with."""

    alias: str
    shown: str
    path: Path
    fingerprint: str


class Session:
    """Executes commands, each whole or not at all, and records them."""

    def __init__(
        self,
        settings: Settings,
        *,
        name: str | None = None,
        folder: Path | None = None,
        warn: Callable[[str], None] = lambda text: None,
        say: Callable[[str], None] = lambda text: None,
        watch: Watch | None = None,
    ) -> None:
        load_all()
        self.settings = settings
        self.name = new_name() if name is None else name
        self.folder = folder or Path.cwd()
        self.warn = warn
        self.say = say
        """Tells what is neither a result nor a warning."""
        self.watch = watch or Unwatched()
        """Is told how far a save is, or a step that reads data."""
        self.services = SessionServices(self)
        self.workspace = Workspace()
        self.inputs: list[Input] = []
        self.sources = Sources(WatchedFiles(), self.folder)
        self.leaving = False
        self.unsaved_aliases: set[str] = set()
        self.summary_folder: Path | None = None
        """Where a summary is about to be written: its relative paths start there."""
        journal = Journal(self.name) if settings.journal and not settings.dry_run else None
        self.recorder = Recorder(journal, writes=not settings.dry_run)
        self.only_input: str | None = None
        """The alias of the only input of the plan that runs: what is saved where nothing else tells."""
        self._rehearsal: tuple[Workspace, Timeline, set[str], list[Path]] | None = None
        """What a dry run goes back to when it ends."""
        self.assumed = False
        """Whether shapes in the workspace are a guess, as where a check leaves out what only data decides."""
        self._evaluator: Evaluator | None = None

    # What surfaces call

    @property
    def timeline(self) -> Timeline:
        """The steps so far."""
        return self.recorder.timeline

    @property
    def replaying(self) -> bool:
        """Whether the session is being resumed: nothing is computed, saved or told."""
        return self.recorder.replaying

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
        self.say_notes()
        origin = checkpoint.origins[0]
        if alias in self.workspace.checkpoints:
            raise StepError(
                f"the alias '{alias}' is given twice", hint="name the inputs: first::path second::path"
            )
        self.workspace.checkpoints[alias] = checkpoint
        self.inputs.append(Input(alias, path, origin.path, origin.fingerprint))
        self.recorder.write(
            {
                "kind": "input",
                "alias": alias,
                "shown": path,
                "path": str(origin.path),
                "folder": str(self.folder),
                "fingerprint": origin.fingerprint,
                **facts_of(self.sources.opened[-1][1]),
            }
        )

    def execute(self, command: Command, *, typed: bool = False) -> Report | None:
        """Run one command: whole, or not at all. ``typed``: the line that it came from was noted already.

        Raises:
            SurgeryError: it does not check or fails; the workspace is as it was.
            KeyboardInterrupt: likewise.
        """
        if not (typed or self.replaying):
            self.recorder.note_line(print_command(command))
        self.sources.files.distrust()
        try:
            return self._execute(command)
        finally:
            if self._evaluator is not None:
                self._evaluator.forget()

    def _execute(self, command: Command) -> Report | None:
        started = time.perf_counter()
        step = bind(command)
        if self.recorder.groups and not step.operation.in_plans:
            fail(f"'{command.name}' has no place in a file that is executed", span=command.name_span)
        opened = len(self.sources.opened)
        context = Context(self.workspace, self.services, checking=self.settings.checking)
        with collector_paused():
            result = self._result(step, context)
        if isinstance(result, Expansion):
            return self._expand(command, result, started)
        record = Record(0, command, "inspect", seconds=started)
        if len(self.sources.opened) > opened:
            record.fingerprint = self.sources.opened[-1][1].fingerprint
        if isinstance(result, Edit):
            return self._edit(step, result, record)
        record.count = result.count if result is not None else 0
        if step.operation.recorded and (step.operation.in_plans or (result is not None and result.marked)):
            record.role = _role(step, result)
            if result is not None:
                record.saved_alias, record.mark = result.saved, result.marked
                record.nbytes = result.data.get("nbytes", 0) if isinstance(result.data, dict) else 0
            with uninterrupted():
                self._record(record)
                self.unsaved_aliases.discard(str(record.saved_alias))
        return result

    @property
    def dry(self) -> bool:
        """Whether nothing is written."""
        return self.settings.dry_run or self.recorder.rehearses

    def known(self, what: str) -> Iterable[Offer]:
        """For completion: the names of all ``what`` there are."""
        return offers(self.timeline, what)

    def scratch(self) -> Session:
        """A copy that can be edited and thrown away: for checking a plan before it runs."""
        from dataclasses import replace

        copy = Session(
            replace(self.settings, dry_run=True, checking=True, journal=False),
            name=self.name,
            folder=self.folder,
        )
        copy.workspace = self.workspace.copy()
        copy.timeline.steps = list(self.timeline.steps)
        copy.sources.folder = self.sources.folder
        copy.sources.opened = list(self.sources.opened)
        copy.only_input = self.only_input
        return copy

    def close(self) -> None:
        """Release files and the journal's lock."""
        if self._evaluator is not None:
            self._evaluator.close()
        self.sources.files.close()
        self.recorder.close()

    def _result(self, step: Step, context: Context) -> Result:
        """What the operation gives, which may take long if it reads data."""
        if not step.operation.reads or self.settings.checking:
            return step.operation.run(context, **step.arguments)
        return attended(
            partial(step.operation.run, context, **step.arguments), self.watch, step.operation.name
        )

    def _check(self, step: Step, edit: Edit) -> None:
        """Strict checks of an edit, which read all of what it makes."""

        def check() -> None:
            made = (tensor for each in edit.tensors.values() for tensor in each.values())
            announce(stored_bytes(tensor for tensor in made if tensor is not None))
            for each in edit.checks:
                each(self.evaluator)

        if edit.checks:
            attended(check, self.watch, step.operation.name)

    def _edit(self, step: Step, edit: Edit, record: Record) -> Report | None:
        """Apply what a step changes."""
        if self.settings.preview and not self.replaying:
            for line in preview(self.workspace, edit):
                self.say(line)
        if not self.settings.checking and not self.replaying:
            self._check(step, edit)
        self.assumed |= edit.assumed
        record.command = with_arguments(step.command, edit.drawn, step.operation.primary)
        record.drawn = edit.drawn
        record.role, record.count = "edit", edit.count
        aliases = frozenset(edit.tensors)
        if not aliases and record.fingerprint is None:
            aliases = frozenset(edit.aliases)
        with collector_paused(), uninterrupted():
            record.inverse = [self.workspace.apply(edit)]
            record.aliases = aliases & self.workspace.checkpoints.keys()
            if not edit.tensors:
                record.went = frozenset(alias for alias, each in edit.aliases.items() if each is None)
                record.came = frozenset(edit.aliases) - record.went
            record.nbytes = touched_bytes(edit, record.inverse[0])
            try:
                self._record(record)
            except SurgeryError:
                self.workspace.apply(record.inverse[0])
                raise
        note_turn("redo", record.changes(), self.unsaved_aliases)
        if not self.dry:
            return None
        return Report([f"would do: {print_command(record.command)} ({edit.count} tensors)"])

    def _expand(self, command: Command, expansion: Expansion, started: float) -> Report:
        """Run the steps that a step stands for as one."""
        with grouped(self, expansion.file, expansion.folder) as group:
            lines = run_steps(self, expansion)
        self.close_group(command, group, started)
        return Report(lines)

    def close_group(self, command: Command, group: Group, started: float) -> None:
        """Record the steps of a group, which have run, as one step."""
        record = group.record(command)
        record.seconds = started
        with uninterrupted():
            try:
                self._record(record, group)
            except SurgeryError:
                for inverse in record.inverse:
                    self.workspace.apply(inverse)
                raise

    def _record(self, record: Record, group: Group | None = None) -> None:
        self.recorder.record(record, self.sources.folder, group)
        if self.settings.verbose and not self.replaying:
            tensors = "1 tensor" if record.count == 1 else f"{record.count} tensors"
            self.say(f"{record.command.name}: {tensors}, {record.seconds:.3f} s")

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

    def rehearse(self, on: bool) -> None:
        """Begin a dry run on a copy of the workspace, or end it and go back."""
        if self._rehearsal is not None and not on:
            self.workspace, self.recorder.timeline, self.unsaved_aliases, promised = self._rehearsal
            self.sources.promised = promised
            self._rehearsal = None
        elif on:
            promised = list(self.sources.promised)
            self._rehearsal = self.workspace, self.timeline, self.unsaved_aliases, promised
            self.workspace, self.recorder.timeline = self.workspace.copy(), self.timeline.copy()
            self.unsaved_aliases = set(self.unsaved_aliases)
        self.recorder.rehearses = on

    def say_notes(self) -> None:
        """What a user should know of the checkpoint that was just opened."""
        path, opened = self.sources.opened[-1]
        if not self.replaying:
            for note in opened.notes:
                self.warn(f"{path.name}: {note}")


def _role(step: Step, result: Report | None) -> Role:
    if result is not None and result.marked is not None:
        return "mark"
    if not step.operation.replays:
        return "save"
    if step.operation.inspects or (result is not None and result.lines):
        return "inspect"
    return "assert"
