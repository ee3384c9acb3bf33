"""What a session does for the operations that need more than a workspace."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.context import PastLine, PastStep, SaveRequest
from brainsurgery_shell.declaration.expansion import Expansion, Planned
from brainsurgery_shell.declaration.moments import Moment
from brainsurgery_shell.errors import SurgeryError, fail
from brainsurgery_shell.interrupts import uninterrupted
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.session.attend import announce
from brainsurgery_shell.session.moments import Direction, count_to, workspace_at
from brainsurgery_shell.session.past import edit_before, past_lines, past_marks, past_steps
from brainsurgery_shell.session.record import Record
from brainsurgery_shell.session.unsaved import note_turn
from brainsurgery_shell.views.page import Page
from brainsurgery_shell.workspace.checkpoint import Checkpoint
from brainsurgery_shell.workspace.edit import Report
from brainsurgery_shell.workspace.workspace import Workspace

if TYPE_CHECKING:
    from brainsurgery_shell.graph.evaluate import Evaluator
    from brainsurgery_shell.session.editor import Editing
    from brainsurgery_shell.session.session import Session

Turn = Callable[[Workspace, int], list[Record]]
_MOST_TOLD = 20
"""Edits that undo and redo tell one by one."""


class SessionServices:
    """The services of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._editing: Editing | None = None

    @property
    def evaluator(self) -> Evaluator:
        """The session's."""
        return self._session.evaluator

    def reading(self, nbytes: int) -> None:
        """A step is about to read them."""
        announce(nbytes)

    def undo(self, count: int, to: Moment | None = None) -> Report:
        """Take back the last edits and what was asserted or saved after them."""
        timeline = self._session.timeline
        if to is not None:
            count = count_to(timeline, to, "undo")
        return self._turn("undo", timeline.undo, timeline.redo, count)

    def redo(self, count: int, to: Moment | None = None) -> Report:
        """Bring back the last undone edits and what followed them."""
        timeline = self._session.timeline
        if to is not None:
            count = count_to(timeline, to, "redo")
        return self._turn("redo", timeline.redo, timeline.undo, count)

    def _turn(self, what: Direction, turn: Turn, back: Turn, count: int) -> Report:
        """Over ``count`` edits; over none if this is the moment that was asked for."""
        if not count:
            return Report([f"nothing to {what}: {_here(edit_before(self._session.timeline))}"])
        with uninterrupted():
            edits = turn(self._session.workspace, count)
            try:
                self._session.recorder.write({"kind": what, "count": count, "time": time.time()})
            except SurgeryError:
                back(self._session.workspace, count)
                raise
        self._session.recorder.answer(what if count == 1 else f"{what}: {count}")
        for edit in edits:
            note_turn(what, edit.changes(), self._session.unsaved_aliases)
        if not any(record.role == "edit" for record in self._session.timeline.steps):
            self._session.unsaved_aliases.clear()  # all is as it was opened
        done = {"undo": "undone", "redo": "redone"}[what]
        lines = [f"{done}: {print_command(edit.command)}" for edit in edits[:_MOST_TOLD]]
        if count > _MOST_TOLD:
            lines.append(
                f"… and {count - _MOST_TOLD} more edits; now {_here(edit_before(self._session.timeline))}"
            )
        return Report(lines, None, count)

    def mark(self, name: str) -> Report:
        """Name this moment, also if another has that name."""
        timeline = self._session.timeline
        after, former = edit_before(timeline), self.marks().get(name)
        told = f"the mark '{name}': {_here(after)}"
        if former is not None and former != (after, True):
            told += f"; it was {'' if former[1] else 'undone, and was '}{_here(former[0])}"
        return Report([told], {"mark": name, "after": after}, marked=name)

    def marks(self) -> dict[str, tuple[int, bool]]:
        """Those that can be reached."""
        return past_marks(self._session.timeline)

    def workspace_at(self, moment: Moment) -> Workspace:
        """From the inverses that the timeline keeps."""
        return workspace_at(self._session, moment)

    def journal(self) -> list[PastStep]:
        """Every step, numbered."""
        return past_steps(self._session.timeline)

    def history(self) -> list[PastLine]:
        """Every line, numbered."""
        return past_lines(self._session.recorder)

    def summarize(
        self, *, everything: bool, resolve: bool, layout: str, requires: str | None = None
    ) -> Report:
        """The plan of the steps in force."""
        from brainsurgery_shell.session.summary import summarize

        lines = summarize(
            self._session, everything=everything, resolve=resolve, layout=layout, requires=requires
        )
        return Report(lines, None, len(self._session.timeline.steps))

    def help(self, topic: str | None, expression: str | None, page: Page) -> list[str]:
        """From the declarations."""
        from brainsurgery_shell.describe import help_text

        return help_text(topic, expression, page)

    def edit(self, path: str | None, count: int) -> Expansion | Report:
        """In the user's editor: a file, or the last steps, whose lines are then run."""
        if self._editing is None:
            from brainsurgery_shell.session.editor import Editing

            self._editing = Editing(self._session)
        return self._editing.steps(count) if path is None else self._editing.file(path)

    def preview(self, step: Planned, *, limit: int | None, layout: str) -> Report:
        """From headers alone."""
        from brainsurgery_shell.session.foreseen import preview_report

        return preview_report(self._session, step, limit, layout)

    def steps_of(self, path: str) -> Expansion:
        """The steps in a plan or script."""
        from brainsurgery_shell.session.files import steps_of
        from brainsurgery_shell.session.together import failure_of_step

        try:
            return steps_of(self._session, path)
        except SurgeryError as error:
            raise failure_of_step(error) from None

    def set_modes(self, *, dry_run: bool | None, preview: bool | None, verbose: bool | None) -> Report:
        """Change how further steps are run and told."""
        settings = self._session.settings
        if preview is not None:
            settings.preview = preview
        if verbose is not None:
            settings.verbose = verbose
        if dry_run is False and any(group.dry for group in self._session.recorder.groups):
            fail("a dry run that began outside this file cannot end in it")
        if dry_run is not None and dry_run != self._session.recorder.rehearses:
            self._session.rehearse(dry_run)
        modes = {
            "dry-run": self._session.dry,
            "preview": self._session.settings.preview,
            "verbose": self._session.settings.verbose,
        }
        return Report([f"{name}: {'true' if mode else 'false'}" for name, mode in modes.items()], modes)

    def leave(self) -> None:
        """After this step."""
        self._session.leaving = True

    def changed_aliases(self) -> list[str]:
        """In the order in which steps changed them."""
        running = (part for group in self._session.recorder.groups for part in group.parts)
        changed = (sorted(record.aliases) for record in (*self._session.timeline.steps, *running))
        return list(dict.fromkeys(alias for aliases in changed for alias in aliases))

    def only_input(self) -> str | None:
        """Of the plan that runs."""
        return self._session.only_input

    def open(self, path: str, alias: str, layout: str | None) -> Checkpoint:
        """Headers only."""
        checkpoint = self._session.sources.open(path, layout)
        self._session.say_notes()
        return checkpoint

    def save(self, request: SaveRequest) -> Report:
        """Write a checkpoint; in a dry run, or while replaying, only check."""
        from brainsurgery_shell.session.same_values import values_key
        from brainsurgery_shell.session.saving import check_save, save, warn_of_suffix

        if self._session.replaying:
            return Report([], None, len(request.tensors), request.alias if request.whole else None)
        plan = check_save(request, self._session.sources.folder, self._session.settings.saves)
        warn_of_suffix(request, plan, self._session.warn)
        if self._session.dry:
            self._session.sources.promised.append(plan.dest)
            count = len(request.tensors)
            data = {"path": request.path, "tensors": count, "nbytes": plan.nbytes}
            return Report([f"would save {count} tensors to {request.path}"], data, count)
        self._session.recorder.write({"kind": "saving", "path": str(plan.dest)})
        return save(
            request,
            plan,
            self._session.workspace.checkpoints[request.alias],
            self._session.evaluator,
            workers=self._session.settings.saves.workers,
            before_replace=self._before_replace,
            warn=self._session.warn,
            say=self._session.say,
            watch=self._session.watch,
            key=values_key(self._session, request.alias, request.tensors.values()),
        )

    def _before_replace(self, path: Path) -> None:
        warning = self._session.sources.set_aside(path, self._session.recorder)
        if warning is not None:
            self._session.warn(warning)


def _here(after: int) -> str:
    """Where a moment is."""
    return f"just after step {after}" if after else "as the session began"
