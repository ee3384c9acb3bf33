"""What can wait until the user pauses: importing torch, which would hold up keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 1.0
"""Seconds without a change of the line that count as a pause."""


class Idle:
    """Calls ``act`` in the pauses of the user, until that returns true."""

    def __init__(self, act: Callable[[], bool]) -> None:
        self._act = act
        self._done = False
        self._timer: asyncio.TimerHandle | None = None

    def changed(self, _: object = None) -> None:
        """The line changed: the pause begins anew."""
        self.stop()
        if self._done:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the prompt does not stand yet
            return
        self._timer = loop.call_later(PATIENCE, self._paused)

    def stop(self) -> None:
        """The line was entered, or dropped."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _paused(self) -> None:
        self._timer = None
        self._done = self._act()
