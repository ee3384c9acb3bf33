"""Several steps as one: what ``execute`` stands for. All happen or none, and one undo takes them back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.bind import bind
from brainsurgery_shell.declaration.expansion import Expansion, Planned
from brainsurgery_shell.errors import StepError, SurgeryError, fail
from brainsurgery_shell.interrupts import uninterrupted
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.redirect import split_redirect
from brainsurgery_shell.session.recorder import Group

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session

DEEPEST = 16
"""How many files may execute one another."""
_MOST_TOLD = 5
"""Further mistakes in a file that are told with the first."""


@contextmanager
def grouped(session: Session, file: Path | None, folder: Path | None) -> Iterator[Group]:
    """Run steps as the parts of one: if one fails, all are taken back."""
    _check_nesting(session, file)
    group = Group(file, session.recorder.rehearses)
    before = session.folder, session.sources.folder, set(session.unsaved_aliases)
    session.recorder.groups.append(group)
    if folder is not None:
        session.folder = session.sources.folder = folder
    try:
        try:
            yield group
        finally:
            if session.recorder.rehearses != group.dry:  # what a file sets ends with the file
                session.rehearse(group.dry)
    except BaseException:
        with uninterrupted():
            for part in reversed(group.parts):
                for inverse in part.inverse:
                    session.workspace.apply(inverse)
            session.unsaved_aliases = before[2]
        raise
    finally:
        session.recorder.groups.pop()
        session.leaving = False  # exit ends the file, not the session
        session.folder, session.sources.folder = before[0], before[1]


def run_steps(session: Session, expansion: Expansion) -> list[str]:
    """Run the steps of an expansion one after the other; what they print.

    Raises:
        SurgeryError: one failed; located in its file.
    """
    lines: list[str] = []
    for number, planned in enumerate(expansion.steps):
        try:
            lines += _run(session, planned)
        except SurgeryError as failed:
            error = failure_of_step(failed)
            if expansion.file is None and planned.command is not None:
                shown = print_command(planned.command)
                error.located(step=f"transforms[{number}]: {shown}")
            elif expansion.file is not None:
                add_hints(error, static_errors(expansion.steps[number + 1 :]))
            raise error from None
        if session.leaving:
            break
    return lines


def static_errors(steps: Iterable[Planned]) -> list[SurgeryError]:
    """What is wrong with steps of a file whatever they are run on: one mend can see to all of it."""
    found = []
    for planned in steps:
        try:
            command = planned.command
            if command is None:
                line = split_redirect(planned.source.text)
                command = None if line.shell else parse_line(line.command_text)
            if command is not None:
                bind(command)
        except SurgeryError as error:
            span = planned.command.name_span if planned.command is not None else None
            found.append(error.on_line(planned.source).located(span=span))
    return found


def add_hints(error: SurgeryError, others: list[SurgeryError]) -> None:
    """Tell with an error what else is wrong in its file."""
    hints = [error.hint] if error.hint is not None else []
    for other in others[:_MOST_TOLD]:
        source, span = other.details.source, other.details.span
        line = (source.first_line if source is not None else 1) + (span.line - 1 if span is not None else 0)
        hints.append(f"line {line} is wrong too: {other.message}")
    if len(others) > _MOST_TOLD:
        hints.append(f"… and {len(others) - _MOST_TOLD} more lines")
    error.details = replace(error.details, hint="\n".join(hints) or None)


def failure_of_step(error: SurgeryError) -> SurgeryError:
    """What is wrong with a file that a step executes is the failure of that step."""
    if error.exit_status == StepError.exit_status:
        return error
    failure = StepError(error.message)
    failure.details = error.details
    return failure


def _run(session: Session, planned: Planned) -> list[str]:
    from brainsurgery_shell.session.lines import run_line

    if planned.command is None:
        out = io.StringIO()
        run_line(session, planned.source.text, stdout=out, source=planned.source)
        return out.getvalue().splitlines()
    try:
        report = session.execute(planned.command)
    except SurgeryError as error:
        raise error.located(source=planned.source, span=planned.command.name_span) from None
    return report.lines if report is not None else []


def _check_nesting(session: Session, file: Path | None) -> None:
    if file is not None and any(group.file == file for group in session.recorder.groups):
        fail(f"'{file}' executes itself")
    if len(session.recorder.groups) >= DEEPEST:
        raise StepError(f"files that execute one another go deeper than {DEEPEST}")
