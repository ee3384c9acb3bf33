"""What text is drawn for: a terminal of some width, or a file, where nothing is cut and nothing coloured."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TextIO

Style = Literal["bold", "dim", "struck", "red", "green", "yellow", "cyan"]

_CODES: dict[Style, int] = {
    "bold": 1,
    "dim": 2,
    "struck": 9,
    "red": 31,
    "green": 32,
    "yellow": 33,
    "cyan": 36,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Where text goes."""

    width: int | None = None
    """Columns; ``None``: lines may be as long as they are."""
    colour: bool = False
    unicode: bool = True
    """Whether more than ASCII can be shown."""

    @property
    def ellipsis(self) -> str:
        """One column that stands for what is left out."""
        return "…" if self.unicode else "~"

    def paint(self, text: str, style: Style | None) -> str:
        """``text`` in a style, where there are colours. Styles add to the text, they never replace it."""
        if style is None or not self.colour or not text:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


PLAIN = Page()
"""A file or a pipe: all of the text, and nothing else."""


def page_for(stream: TextIO, colour: str = "auto") -> Page:
    """What a stream can show.

    Args:
        stream: Where text goes.
        colour: ``always``, ``never``, or ``auto``: on a terminal, unless ``NO_COLOR`` is set.
    """
    terminal = stream.isatty()
    width = None
    if terminal:
        import shutil  # which takes milliseconds, and is not needed for a file

        size = (80, 24)
        with suppress(OSError, ValueError):  # it stands in for a terminal
            size = os.get_terminal_size(stream.fileno())
        width = shutil.get_terminal_size(size).columns  # of standard output, or else of the stream
    try:
        "…█".encode(stream.encoding or "utf-8")
        unicode = True
    except (UnicodeEncodeError, LookupError):
        unicode = False
    wanted = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    painted = colour == "always" or (colour == "auto" and wanted)
    return Page(width, painted, unicode)
