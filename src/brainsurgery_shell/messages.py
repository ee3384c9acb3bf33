"""Messages to the person at the terminal: standard error, coloured only where that is wanted."""

from __future__ import annotations

import os
import sys

from brainsurgery_shell.errors import SurgeryError, render

_level = "warning"
_color = "auto"


def set_manner(level: str, color: str) -> None:
    """Which messages are shown from now on, and whether in colour: ``auto``, ``never`` or ``always``."""
    global _level, _color
    _level, _color = level, color


def show_error(error: SurgeryError) -> None:
    """An error, whole."""
    text = render(error)
    if _colour():
        text = text.replace("error:", "\x1b[1;31merror:\x1b[0m", 1)
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    """A warning."""
    if _level != "error":
        head = "\x1b[1;33mwarning:\x1b[0m" if _colour() else "warning:"
        print(f"{head} {text}", file=sys.stderr)


def say(text: str) -> None:
    """Something that was asked for, and is no result."""
    print(text, file=sys.stderr)


def inform(text: str) -> None:
    """Something that need not be read."""
    if _level == "info":
        print(text, file=sys.stderr)


def _colour() -> bool:
    if _color != "auto":
        return _color == "always"
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
