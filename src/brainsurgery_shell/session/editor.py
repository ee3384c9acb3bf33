"""The user's editor: a line, a file, or the last steps, whose lines are then run."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from brainsurgery_shell.declaration.expansion import Expansion, Planned
from brainsurgery_shell.errors import Source, StepError, StorageError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.scan import BLANKS
from brainsurgery_shell.session.foreground import run_foreground
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.workspace.edit import Report

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session

_USUAL = ("sensible-editor", "nano", "vi")
_HEAD = """\
# These lines are run as one step when you save and leave; one that ran before runs again.
# Nothing runs if the file is empty or as it was.
"""


class Editing:
    """What one session edits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._left: tuple[int, str] | None = None
        """What was edited last, and how many steps there were: as many as now, if it failed."""

    def steps(self, count: int) -> Expansion | Report:
        """The last ``count`` steps, undone ones too, or what failed when it was run just before.

        Raises:
            StepError: there is no editor, or it failed.
        """
        everything = self._session.timeline.everything
        if self._left is not None and self._left[0] == len(everything):
            before = self._left[1]
        else:
            leaves = [leaf for record in everything for leaf in record.leaves() if leaf.mark is None]
            before = _HEAD + "".join(f"{print_command(each.command)}\n" for each in leaves[-count:])
        after = edit_text(before, ".oly")
        self._left = None
        numbered = [(number, line) for number, line in enumerate(after.split("\n"), 1) if _is_command(line)]
        if after == before or not numbered:
            why = "nothing was changed" if numbered else "no line is left"
            return Report([f"nothing was run: {why}"])
        self._left = len(everything), after
        return Expansion(
            tuple(Planned(None, Source(line, "the edited lines", number)) for number, line in numbered)
        )

    def file(self, path: str) -> Report:
        """A plan, a script or another text file, which may be new.

        Raises:
            SurgeryError: it cannot be edited.
        """
        place = absolute(path, self._session.folder)
        if place.is_dir():
            raise StorageError(f"'{path}' is a folder", hint="name a plan or script in it")
        if self._session.dry:
            return Report([f"would edit {path}"])
        before = _bytes_of(place)
        _run_editor(place)
        after = _bytes_of(place)
        if after == before:
            return Report([f"{path} is as it was" if after is not None else f"{path} was not written"])
        return Report([f"{path} was changed"])


def edit_text(text: str, suffix: str) -> str:
    """``text`` as it comes back from the user's editor.

    Raises:
        StepError: there is no editor, or it failed.
    """
    with tempfile.TemporaryDirectory(prefix="brainsurgery-") as folder:
        path = Path(folder) / f"edited{suffix}"
        path.write_text(text, encoding="utf-8", errors="replace")
        _run_editor(path)
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise StepError("what was edited is not UTF-8 text") from None


def _is_command(line: str) -> bool:
    stripped = line.strip(BLANKS)
    return bool(stripped) and not stripped.startswith("#")


def _run_editor(path: Path) -> None:
    command = _editor()
    try:
        status = run_foreground([*command, str(path)])
    except OSError as error:
        raise StepError(
            f"the editor '{shlex.join(command)}' cannot be started: {error.strerror or error}",
            hint="VISUAL or EDITOR names another",
        ) from error
    if status:
        raise StepError(f"the editor '{shlex.join(command)}' ended with status {status}: nothing is done")


def _editor() -> list[str]:
    """$VISUAL, $EDITOR, or what is usually there."""
    for variable in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(os.environ.get(variable, ""))
        except ValueError as error:
            raise StepError(f"{variable} is no command: {error}") from error
        if words:
            return words
    usual = next((found for name in _USUAL if (found := shutil.which(name))), None)
    if usual is None or sys.stdin is None or not sys.stdin.isatty():
        raise StepError("there is no editor to open", hint="VISUAL or EDITOR names one")
    return [usual]


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read '{path}': {error.strerror or error}") from error
