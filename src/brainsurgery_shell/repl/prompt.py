"""The prompt: line editing, colours, completion. All that knows prompt_toolkit's application.

What the first key needs is imported at the first key: the prompt itself stands sooner.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.output import ColorDepth, Output

from brainsurgery_shell.repl.colours import STYLE, LineLexer
from brainsurgery_shell.repl.history import SharedHistory, history_path
from brainsurgery_shell.repl.idle import Idle
from brainsurgery_shell.repl.keys import bindings
from brainsurgery_shell.repl.manners import Manners
from brainsurgery_shell.repl.preview import LivePreview
from brainsurgery_shell.repl.results import Results
from brainsurgery_shell.repl.state import KEYS, State, status

if TYPE_CHECKING:
    from brainsurgery_shell.completion import SessionView
    from brainsurgery_shell.session.session import Session

_VI_MODES = {InputMode.NAVIGATION: "normal", InputMode.REPLACE: "replace"}


class LineCompleter(Completer):
    """Hands the line and the cursor to ``complete``; of a pasted text, the line that the cursor is in."""

    def __init__(self, session: SessionView) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """What may stand at the cursor."""
        from brainsurgery_shell.completion import complete

        line, cursor = document.current_line, document.cursor_position_col
        for candidate in complete(line, cursor, self._session):
            yield Completion(
                candidate.insert, -candidate.replaces, display=candidate.display, display_meta=candidate.meta
            )


class Prompt:
    """Reads lines with all comfort. ``screen`` is where keys print what they were asked for."""

    def __init__(
        self,
        session: Session,
        manners: Manners,
        screen: Results,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._session, self._screen = session, screen
        self._vi = manners.editing_mode == "vi"
        mode = EditingMode.VI if self._vi else EditingMode.EMACS
        depth = ColorDepth.DEPTH_1_BIT if manners.color == "never" else None
        self._lines: PromptSession[str] = PromptSession(
            completer=LineCompleter(session),
            complete_while_typing=True,
            lexer=LineLexer(),
            include_default_pygments_style=False,
            style=STYLE,
            color_depth=depth,
            history=SharedHistory(history_path()),
            editing_mode=mode,
            key_bindings=bindings(self._explain, self._preview, self._edited),
            enable_suspend=True,
            bottom_toolbar=self._toolbar,
            prompt_continuation=_continuation,
            input=input,
            output=output,
        )
        self._answers = partial(PromptSession[str], editing_mode=mode, input=input, output=output)
        self._live = LivePreview(session) if manners.preview else None
        if self._live is not None:
            self._live.attach(self._lines)
        self._idle = Idle(self._pause)
        self._lines.default_buffer.on_text_changed += self._idle.changed

    def read(self, state: State) -> str:
        """What the user entered: a line, or several that were pasted or broken.

        Raises:
            KeyboardInterrupt: Ctrl-C, which drops the line.
            EOFError: Ctrl-D on an empty line.
        """
        parts = [("class:prompt.alias", state.alias), ("class:prompt.marks", state.marks), ("", "> ")]
        watching: AbstractContextManager[object] = nullcontext()
        if self._live is not None:
            watching = self._live.watching()
        try:
            with watching:
                return self._lines.prompt([part for part in parts if part[1]], pre_run=_end_on_signals)
        finally:
            self._idle.stop()

    def ask(self, question: str) -> str:
        """An answer, which no history keeps."""
        return self._answers().prompt(question)

    def _toolbar(self) -> StyleAndTextTuples:
        """State, then keys as far as there is room. Some terminals never show it: nothing is here alone."""
        words = status(self._session)
        if self._vi:
            words = f"{_VI_MODES.get(get_app().vi_state.input_mode, 'insert')}, {words}"
        return [("bold", words), ("", f"  {KEYS}")]

    def _explain(self, document: Document) -> None:
        from brainsurgery_shell.repl.at_cursor import help_at

        self._screen.show(help_at(document.current_line, document.cursor_position_col, self._screen.page))

    def _preview(self, document: Document) -> None:
        from brainsurgery_shell.repl.preview import full_preview

        self._screen.show(full_preview(self._session, document.current_line, self._screen.page))

    def _edited(self, text: str) -> str:
        """The line from the user's editor; as it was if that fails, which is told."""
        from brainsurgery_shell.errors import SurgeryError, render
        from brainsurgery_shell.session.editor import edit_text

        try:
            return edit_text(f"{text}\n" if text else "", ".oly")
        except SurgeryError as error:
            self._screen.show([render(error)])
            return text

    def _pause(self) -> bool:
        """The user pauses: import torch if this session will need it; whether that is settled."""
        if "torch" in sys.modules:
            return True
        from brainsurgery_shell.session.ahead import line_computes, load_ahead, session_computes

        line = self._lines.default_buffer.document.current_line
        # The preview has matched the line aside, in good time: so it may be matched here too.
        matched = self._live is not None and self._live.reads
        if not line.strip() or not (
            session_computes(self._session) or (matched and line_computes(self._session, line))
        ):
            return False
        load_ahead()
        return True


def _end_on_signals() -> None:
    """Leave by way of prompt_toolkit when told to end: it gives the terminal back as it was."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            loop.add_signal_handler(number, _leave, get_app(), number)


def _leave(app: Application[str], number: int) -> None:
    if app.is_running and not app.is_done:
        app.exit(exception=SystemExit(128 + number))


def _continuation(width: int, number: int, wrapped: int) -> str:
    """What stands before a further line: nothing but room before the rest of a long one."""
    return " " * width if wrapped else "… ".rjust(width)
