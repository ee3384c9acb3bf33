"""Running commands: wall time, CPU time, peak memory, and sides that take turns.

This process stays small and imports nothing heavy: what a child is charged with begins with the memory of
the process that started it.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BRAINSURGERY = (sys.executable, "-c", "from brainsurgery_shell.cli import main; raise SystemExit(main())")
PROMPT = b"model>"
ESCAPE = re.compile(rb"\x1b\[[\d;?]*[A-Za-z]")


@dataclass
class Measured:
    """Repeats of one side."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def cpu_median(self) -> float:
        """CPU seconds, user and system, of all threads and processes."""
        return statistics.median(self.cpu)

    @property
    def peak_mb(self) -> float:
        """Peak resident memory of the largest process of the tree, in MB, in the worst repeat."""
        return max(self.peaks) / 1e6


def run(command: Sequence[str], folder: Path, measured: Measured | None = None) -> None:
    """Run a command to its end and note, in ``measured``, what it and the processes it waited for took."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"error: status {process.returncode}: {shlex.join(command)}")
    if measured is not None:
        measured.seconds.append(seconds)
        measured.cpu.append(usage.ru_utime + usage.ru_stime)
        measured.peaks.append(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def take_turns(
    sides: Mapping[str, Sequence[str]], folder: Path, repeats: int, output: str
) -> dict[str, Measured]:
    """Run every side ``repeats`` times, one after the other; what each writes to ``output`` is removed.

    What earlier runs left to write is on the disk before each begins. What memory a run leaves behind still
    tells on the next, so the orders are those of a Latin square in which, over as many rounds as there are
    sides, an even number, each comes once behind each other.
    """
    measured = {name: Measured() for name in sides}
    names = list(sides)
    zigzag = [place // 2 if place % 2 == 0 else -(place + 1) // 2 for place in range(len(names))]
    for turn in range(repeats):
        for name in (names[(place + turn) % len(names)] for place in zigzag):
            shutil.rmtree(folder / output, ignore_errors=True)
            os.sync()
            run(sides[name], folder, measured[name])
    shutil.rmtree(folder / output, ignore_errors=True)
    return measured


def to_prompt(arguments: Sequence[str], folder: Path) -> float:
    """Seconds from the start of the shell on a terminal to its first prompt."""
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["TERM"] = "xterm-256color"
        os.execv(BRAINSURGERY[0], [*BRAINSURGERY, *arguments])
    shown = b""
    try:
        while PROMPT not in ESCAPE.sub(b"", shown):
            if not select.select([terminal], [], [], 60)[0]:
                raise SystemExit(f"error: no prompt came, only {shown!r}")
            shown += os.read(terminal, 65536)
        return time.perf_counter() - started
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
