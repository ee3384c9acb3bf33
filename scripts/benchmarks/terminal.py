"""The shell on a terminal: keys typed into it, and the time until what they do can be seen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from benchmarks.processes import BRAINSURGERY, ESCAPE

LINES, COLUMNS = 40, 120
PATIENCE = 20.0
_WHERE, _HERE = b"\x1b[6n", b"\x1b[1;1R"


class Terminal:
    """A terminal that shows a shell and answers where the cursor is."""

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        self._child, self._end = pty.fork()
        if self._child == 0:
            os.chdir(folder)
            os.environ |= {"TERM": "xterm-256color", "LINES": str(LINES), "COLUMNS": str(COLUMNS)}
            os.execv(BRAINSURGERY[0], [*BRAINSURGERY, *arguments])
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.kill(self._child, 9)
        os.waitpid(self._child, 0)
        os.close(self._end)

    def type(self, keys: str) -> None:
        """Press keys, whatever they do."""
        os.write(self._end, keys.encode())

    def press(self, keys: str, wanted: str) -> float:
        """Seconds from pressing ``keys`` until ``wanted`` is drawn."""
        began = time.perf_counter()
        self.type(keys)
        return self.until(wanted) - began

    def until(self, wanted: str) -> float:
        """The moment at which ``wanted`` is drawn, of what is drawn from now on."""
        shown = b""
        while data := self._read(PATIENCE):
            moment = time.perf_counter()
            shown += data
            if wanted.encode() in ESCAPE.sub(b"", shown):
                return moment
        raise SystemExit(f"error: {wanted!r} was not drawn, only {shown!r}")

    def quiet(self, seconds: float) -> None:
        """Wait until nothing was drawn for ``seconds``."""
        while self._read(seconds):
            pass

    def _read(self, seconds: float) -> bytes:
        if not select.select([self._end], [], [], seconds)[0]:
            return b""
        data = os.read(self._end, 65536)
        if _WHERE in data:
            os.write(self._end, _HERE)
        return data
