"""The interactive shell: read a line, run it, until the user leaves."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from brainsurgery_shell import __version__
from brainsurgery_shell.errors import SurgeryError, render
from brainsurgery_shell.repl.manners import Manners
from brainsurgery_shell.repl.results import Results
from brainsurgery_shell.repl.state import State, state_of
from brainsurgery_shell.session.lines import run_line
from brainsurgery_shell.session.session import Session

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

QUESTION = "unsaved edits{of}: leave? [y/N] "


class Reader(Protocol):
    """Where lines come from."""

    def read(self, state: State) -> str:
        """A line, or several; ``KeyboardInterrupt`` drops it, ``EOFError`` is the wish to leave."""

    def ask(self, question: str) -> str:
        """An answer."""


def run_shell(
    session: Session,
    *,
    stdout: TextIO,
    stderr: TextIO,
    manners: Manners | None = None,
    input: Input | None = None,
    output: Output | None = None,
) -> int:
    """Read and run lines until the user leaves; the return value is the exit status.

    Results go to ``stdout``, talk to ``stderr``. ``input`` and ``output`` stand in for the terminal.
    """
    manners = manners or Manners()
    results = Results(stdout, manners)
    bare = manners.plain or (output is None and manners.bare)
    if bare:
        from brainsurgery_shell.repl.plain import PlainPrompt

        reader: Reader = PlainPrompt(manners.editing_mode)
    else:
        reader = _prompt(session, manners, stdout, stderr, input, output)
    shell = Shell(session, reader, results, stderr, colour=manners.color)
    shell.welcome(keys=not bare, offer=manners.offer)
    shell.loop()
    return 0


def _prompt(
    session: Session,
    manners: Manners,
    stdout: TextIO,
    stderr: TextIO,
    input: Input | None,
    output: Output | None,
) -> Reader:
    from brainsurgery_shell.repl.prompt import Prompt

    if output is None and not sys.stdout.isatty():
        from prompt_toolkit.output import create_output

        output = create_output(stdout=sys.stderr)  # results alone go where standard output was sent
    screen = Results(stdout if stdout.isatty() else stderr, manners)
    return Prompt(session, manners, screen, input, output)


class Shell:
    """One user at one session."""

    def __init__(
        self, session: Session, reader: Reader, results: Results, stderr: TextIO, colour: str = "auto"
    ) -> None:
        self._session, self._reader, self._results, self._stderr = session, reader, results, stderr
        self._colour = colour
        self._asked = False
        """Whether the question was asked and nothing was done since: who then leaves again means it."""

    def welcome(self, *, keys: bool, offer: str | None = None) -> None:
        """Two lines; ``keys``: whether there are more than the terminal's own."""
        checkpoints = self._session.workspace.checkpoints
        opened = [f"{alias} ({len(each.tensors)} tensors)" for alias, each in checkpoints.items()]
        self._say(f"brainsurgery {__version__}: {', '.join(opened) or 'no checkpoint is open'}")
        aids = "help or F1 explains, Tab completes, F2 previews" if keys else "help lists the operations"
        self._say(f"{aids}, undo takes back, Ctrl-D leaves")
        if offer is not None:
            self._say(offer)

    def loop(self) -> None:
        """Until the user leaves."""
        while True:
            try:
                self._run(self._reader.read(state_of(self._session)))
                leaving = self._session.leaving
            except EOFError:
                leaving = True
            except KeyboardInterrupt:
                continue
            if leaving and self._may_leave():
                return
            self._session.leaving = False

    def _run(self, text: str) -> None:
        """Run what was entered; of several lines, those behind a mistake are left out."""
        lines = [line for line in text.split("\n") if line.strip()]
        for index, line in enumerate(lines):
            if not self._run_line(line) and index + 1 < len(lines):
                self._say(f"not run: {'; '.join(lines[index + 1 :])}")
                return
            if self._session.leaving:
                return

    def _run_line(self, line: str) -> bool:
        before = len(self._session.timeline.everything)
        try:
            run_line(self._session, line, stdout=self._results.stream, page=self._results.page)
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
            answer = self._reader.ask(QUESTION.format(of=self._of_which()))
        except EOFError:
            return True
        except KeyboardInterrupt:
            return False
        return answer.strip().lower() in ("y", "yes", "exit")

    def _of_which(self) -> str:
        """The checkpoints that have them, where there are several."""
        if len(self._session.workspace.checkpoints) < 2:
            return ""
        return f" of {', '.join(sorted(self._session.unsaved_aliases))}"

    def _coloured(self, text: str) -> str:
        wanted = self._stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        if self._colour == "never" or not (wanted or self._colour == "always"):
            return text
        return text.replace("error:", "\x1b[1;31merror:\x1b[0m", 1)

    def _say(self, text: str) -> None:
        print(text, file=self._stderr, flush=True)
