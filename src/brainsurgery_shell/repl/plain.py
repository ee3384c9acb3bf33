"""The prompt without colours, menus or redrawing: for screen readers, and terminals that cannot do better."""

from __future__ import annotations

import sys
from contextlib import suppress

from brainsurgery_shell.repl.history import SharedHistory, history_path
from brainsurgery_shell.repl.state import State


class PlainPrompt:
    """Reads lines with ``input``; editing and history as far as readline is there."""

    def __init__(self, editing_mode: str = "emacs") -> None:
        self._history = SharedHistory(history_path())
        with suppress(ImportError):
            import readline

            readline.set_auto_history(False)
            if editing_mode == "vi":  # else what the user's inputrc says
                readline.parse_and_bind("set editing-mode vi")
            for line in reversed(list(self._history.load_history_strings())):
                readline.add_history(line)

    def read(self, state: State) -> str:
        """A line.

        Raises:
            KeyboardInterrupt: Ctrl-C.
            EOFError: Ctrl-D.
        """
        line = self.ask(state.prompt)
        if line.strip():
            self._history.append_string(line)
            with suppress(ImportError):
                import readline

                readline.add_history(line)
        return line

    def ask(self, question: str) -> str:
        """An answer, which no history keeps."""
        shown = sys.stdout.isatty()
        if not shown:  # results alone go where standard output was sent
            print(question, end="", file=sys.stderr, flush=True)
        try:
            return input(question if shown else "")
        except (KeyboardInterrupt, EOFError):
            # the terminal leaves the cursor behind what was typed
            print(file=sys.stdout if shown else sys.stderr)
            raise
