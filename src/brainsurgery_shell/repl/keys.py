"""The keys that the shell adds to prompt_toolkit's; of its own, pasting alone is bound anew."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import emacs_insert_mode, emacs_mode, has_focus, vi_navigation_mode
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

Show = Callable[[Document], None]
"""Prints something about a line above the prompt."""


def bindings(explain: Show, preview: Show, edited: Callable[[str], str]) -> KeyBindings:
    """F1, F2, F3 and Alt-Enter; ``edited`` gives a text as it comes back from the user's editor."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    def above(show: Show) -> Callable[[KeyPressEvent], None]:
        def shown(event: KeyPressEvent) -> None:
            document = event.current_buffer.document

            def run() -> None:
                with suppress(KeyboardInterrupt), _interruptible():
                    show(document)

            run_in_terminal(run)

        return shown

    def edit(event: KeyPressEvent) -> None:
        buffer = event.current_buffer

        def run() -> None:
            text = edited(buffer.text).rstrip("\n")
            if text != buffer.text:
                buffer.save_to_undo_stack()
                buffer.document = Document(text, len(text))

        run_in_terminal(run)

    keys.add("f1", filter=typing)(above(explain))
    keys.add("f2", filter=typing)(above(preview))
    keys.add("f3", filter=typing)(edit)
    keys.add("c-x", "c-e", filter=typing & emacs_mode)(edit)
    keys.add("v", filter=typing & vi_navigation_mode)(edit)

    @keys.add("escape", "enter", filter=typing & emacs_insert_mode)
    def _(event: KeyPressEvent) -> None:
        """Break the line. Not in vi mode, where Escape, Enter means to leave insertion and run."""
        event.current_buffer.insert_text("\n")

    @keys.add(Keys.BracketedPaste, filter=typing)
    def _(event: KeyPressEvent) -> None:
        """Insert it without the line feeds at its end, below which an empty line would open."""
        lines = event.data.replace("\r\n", "\n").replace("\r", "\n")
        event.current_buffer.insert_text(lines.rstrip("\n"))

    return keys


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C stop what runs now. The event loop is not told: it would drop the line."""
    wakeup = signal.set_wakeup_fd(-1)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
        signal.set_wakeup_fd(wakeup)
