"""The interactive shell: read a line, run it, until the user leaves."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from brainsurgery_shell import __version__
from brainsurgery_shell.errors import SurgeryError, render
from brainsurgery_shell.session.lines import run_line
from brainsurgery_shell.session.session import Session

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

QUESTION = "unsaved edits: leave? [y/N] "


class Reader(Protocol):
    """Where lines come from."""

    def read(self, alias: str, unsaved: bool) -> str:
        """A line, or several; ``KeyboardInterrupt`` drops it, ``EOFError`` is the wish to leave."""

    def ask(self, question: str) -> str:
        """An answer."""


def run_shell(
    session: Session,
    *,
    stdout: TextIO,
    stderr: TextIO,
    plain: bool = False,
    input: Input | None = None,
    output: Output | None = None,
) -> int:
    """Read and run lines until the user leaves; the return value is the exit status.

    Results go to ``stdout``, talk to ``stderr``. ``input`` and ``output`` stand in for the terminal.
    """
    reader = _reader(session, plain, input, output)
    shell = Shell(session, reader, stdout, stderr)
    shell.welcome()
    shell.loop()
    return 0


def _reader(session: Session, plain: bool, input: Input | None, output: Output | None) -> Reader:
    if plain or (output is None and os.environ.get("TERM") in ("dumb", "unknown")):
        from brainsurgery_shell.repl.plain import PlainPrompt

        return PlainPrompt()
    from brainsurgery_shell.repl.prompt import Prompt

    if output is None and not sys.stdout.isatty():
        from prompt_toolkit.output import create_output

        output = create_output(stdout=sys.stderr)  # results alone go where standard output was sent
    return Prompt(session, input, output)


class Shell:
    """One user at one session."""

    def __init__(self, session: Session, reader: Reader, stdout: TextIO, stderr: TextIO) -> None:
        self._session, self._reader, self._stdout, self._stderr = session, reader, stdout, stderr
        self._asked = False
        """Whether the question was asked and nothing was done since: who then leaves again means it."""

    def welcome(self) -> None:
        """Two lines."""
        checkpoints = self._session.workspace.checkpoints
        opened = [f"{alias} ({len(each.tensors)} tensors)" for alias, each in checkpoints.items()]
        self._say(f"brainsurgery {__version__}: {', '.join(opened) or 'no checkpoint is open'}")
        self._say("help lists the operations, Tab completes, undo takes back, Ctrl-D leaves")

    def loop(self) -> None:
        """Until the user leaves."""
        while True:
            try:
                self._run(self._read())
                leaving = self._session.leaving
            except EOFError:
                leaving = True
            except KeyboardInterrupt:
                continue
            if leaving and self._may_leave():
                return
            self._session.leaving = False

    def _read(self) -> str:
        return self._reader.read(self._name(), self._session.unsaved)

    def _name(self) -> str:
        """What the prompt shows: the alias that references without one mean."""
        default = self._session.workspace.default_alias()
        if default is not None:
            return default
        return "no default" if self._session.workspace.checkpoints else "brainsurgery"

    def _run(self, text: str) -> None:
        """Run what was entered; of several lines, those behind a mistake are left out."""
        lines = [line for line in text.splitlines() if line.strip()]
        for index, line in enumerate(lines):
            if not self._run_line(line) and index + 1 < len(lines):
                self._say(f"not run: {'; '.join(lines[index + 1 :])}")
                return
            if self._session.leaving:
                return

    def _run_line(self, line: str) -> bool:
        before = len(self._session.timeline.everything)
        try:
            run_line(self._session, line, stdout=self._stdout)
        except SurgeryError as error:
            self._say(self._coloured(render(error)))
            return False
        except KeyboardInterrupt:
            self._say("interrupted: nothing was changed")
            return False
        self._tell_outcome(before)
        if not self._session.leaving:
            self._asked = False
        return True

    def _tell_outcome(self, before: int) -> None:
        """What edits and assertions do not say themselves."""
        for record in self._session.timeline.everything[before:]:
            if record.role == "edit":
                self._say("1 tensor" if record.count == 1 else f"{record.count} tensors")
            elif record.role == "assert":
                self._say("it holds")

    def _may_leave(self) -> bool:
        """Ask once if there is unsaved work. Ctrl-D and ``exit`` are the same wish again, and are granted."""
        if not self._session.unsaved or self._asked:
            return True
        self._asked = True
        try:
            answer = self._reader.ask(QUESTION)
        except EOFError:
            return True
        except KeyboardInterrupt:
            return False
        return answer.strip().lower() in ("y", "yes", "exit")

    def _coloured(self, text: str) -> str:
        if not self._stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        return text.replace("error:", "\x1b[1;31merror:\x1b[0m", 1)

    def _say(self, text: str) -> None:
        print(text, file=self._stderr, flush=True)
