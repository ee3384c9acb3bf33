"""Progress of what takes long, drawn on one line of a terminal and gone when it is done.

A renderer of our own: importing rich's takes 110 ms, more than many of the operations that it would show.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

PATIENCE = 0.5
"""Seconds before anything is shown on a line that is rewritten."""

_REDRAW, _PLAIN_REDRAW = 0.1, 5.0
_WINDOW = 5.0
"""Seconds over which the rate is measured."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Progress:
    """Bytes done, rate and time left of one thing at a time.

    On a terminal one line is rewritten; a ``plain`` one gets a line every few seconds; anything else nothing.
    """

    def __init__(
        self, stream: TextIO, *, plain: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._plain, self._clock = stream, plain, clock
        self._shows = stream.isatty()
        self._what: str | None = None
        self._total = self._done = 0
        self._next = 0.0
        """When to draw again."""
        self._drawn = False
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, what: str, total: int) -> None:
        """``what`` begins: ``total`` bytes, as far as is known."""
        self.end()
        now = self._clock()
        self._what, self._total, self._done = what, total, 0
        self._next = now + (_PLAIN_REDRAW if self._plain else PATIENCE)
        self._samples = deque([(now, 0)])

    def advance(self, nbytes: int, more: int = 0) -> None:
        """``nbytes`` more are done, and ``more`` turned out to be needed.

        To be called several times a second, with 0 too; draws ten times at most. Nothing happens where
        nothing has begun.
        """
        self._done += nbytes
        self._total += more
        if not self._shows or self._what is None or not self._total:
            return
        now = self._clock()
        if not self._done:
            self._samples = deque([(now, 0)])  # what is imported before the first byte is no part of the rate
        if now < self._next:
            return
        self._samples.append((now, self._done))
        while len(self._samples) > 2 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()
        self._next = now + (_PLAIN_REDRAW if self._plain else _REDRAW)
        self._draw(self._line())

    def end(self) -> None:
        """It is done, or was given up: the line goes."""
        self._what = None
        self.clear()

    def clear(self) -> None:
        """Make room for a message; the next ``advance`` draws again."""
        if self._drawn and not self._plain:
            self._write("\r\x1b[K")
        self._drawn = False

    def _line(self) -> str:
        done = min(self._done, self._total)
        parts = [f"{self._what}: {_amount(done)} of {_amount(self._total)}"]
        (first, before), (last, now) = self._samples[0], self._samples[-1]
        rate = (now - before) / (last - first) if last > first else 0.0
        if self._total and done == self._total:
            parts.append("finishing")
        elif rate >= 1:
            parts += [f"{_amount(rate)}/s", f"{_duration((self._total - done) / rate)} left"]
        return ", ".join(parts)

    def _draw(self, line: str) -> None:
        self._drawn = True
        if self._plain:
            self._write(f"{line}\n")
            return
        width = _width(self._stream) - 1  # a full line would wrap
        self._write(f"\r{line if len(line) <= width else line[: max(0, width - 1)] + '…'}\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone, or cannot say it: no reason to stop a save
            self._shows = False


def _amount(nbytes: float) -> str:
    size = float(nbytes)
    unit = 0
    while size >= 1000 and unit + 1 < len(_UNITS):
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.3g} {_UNITS[unit]}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
