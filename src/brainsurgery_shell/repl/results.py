"""Standard output as the shell writes to it: drawn for the terminal, through a pager if taller than it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable
from typing import TextIO, cast

from brainsurgery_shell.repl.manners import Manners
from brainsurgery_shell.session.foreground import run_foreground
from brainsurgery_shell.views.page import Page, page_for

_LESS = {"LESS": "FRX"}
"""For less under whatever name: colours are colours, and what was read stays on the screen."""
_ESCAPES = re.compile(r"\x1b\[[\d;]*m")


class Results:
    """Where results go, and how they are drawn there."""

    def __init__(self, stream: TextIO, manners: Manners) -> None:
        self._manners = manners
        command = _pager(manners) if stream.isatty() else None
        self.stream = stream if command is None else cast("TextIO", _Paged(stream, command))

    @property
    def page(self) -> Page:
        """What the stream can show, as wide as it is now."""
        return page_for(self.stream, "never" if self._manners.bare else self._manners.color)

    def show(self, lines: Iterable[str]) -> None:
        """Print lines."""
        self.stream.write("".join(f"{line}\n" for line in lines))
        self.stream.flush()


class _Paged:
    """A terminal. Each result is written at once, so that one call of ``write`` is all of it."""

    def __init__(self, stream: TextIO, command: list[str]) -> None:
        self._stream, self._command = stream, command
        self.encoding = stream.encoding

    def isatty(self) -> bool:
        """It is one."""
        return True

    def fileno(self) -> int:
        """The terminal's."""
        return self._stream.fileno()

    def flush(self) -> None:
        """As any stream."""
        self._stream.flush()

    def write(self, text: str) -> int:
        """Show ``text``; without the pager if that cannot be started."""
        if not _fits(text, self._stream):
            try:
                run_foreground(self._command, text=text, environment=_LESS)
                return len(text)
            except OSError:
                pass
        return self._stream.write(text)


def _pager(manners: Manners) -> list[str] | None:
    if manners.pager == "never" or (manners.pager == "auto" and manners.bare):
        return None
    wanted = os.environ.get("PAGER", "") if manners.pager == "auto" else manners.pager
    try:
        words = shlex.split(wanted)
    except ValueError:
        return None
    if words:
        return words
    return ["less", "-RFX"] if shutil.which("less") else None


def _fits(text: str, stream: TextIO) -> bool:
    """Whether all of a text can be seen with a prompt below it."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except OSError:
        return True
    if not size.lines or not size.columns:
        return True
    count = text.count("\n")
    if count >= size.lines or len(text) <= size.columns:
        return count < size.lines
    lines = _ESCAPES.sub("", text).splitlines()
    return sum(1 + max(0, len(line) - 1) // size.columns for line in lines) < size.lines
