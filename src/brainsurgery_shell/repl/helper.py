"""A process beside the shell that works on the line while the user types.

What a line would do takes up to a second to compute for 100,000 tensors, and a regex may run for ever:
Python's ``re`` holds the interpreter meanwhile, and no other thread can stop it. A process can be killed. It
is forked, for then it has the workspace at once: that takes 2 ms with 100,000 tensors open, 4 ms with torch
imported; sending them to a fresh process would take half a second.

Forking is slow where much memory is in use: 25 ms a GiB. So the shell forks once a prompt, and the process
forks again for each line: who works is killed when the next line comes, or by an alarm clock, which the
kernel rings whatever Python is doing. The shell itself only writes a line and reads answers; it never waits.
If it is killed, the pipe ends, and so do both.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

Answer = dict[str, Any]
Tell = Callable[[Answer], None]
Work = Callable[[str, Tell], None]
"""Works on a text and tells what it finds: as often as it likes."""

SECONDS = 2.0
"""How long a line may be worked on."""
LONGEST = 3000
"""Bytes of a line that is still looked at: a pipe takes so much at once."""

_ended: list[int] = []
"""Processes that were killed, and not yet collected, whichever helper they were of."""


class Helper:
    """The process, seen from the shell. ``work`` runs in it, on what the shell's memory was when it began."""

    def __init__(self, work: Work, seconds: float = SECONDS) -> None:
        self._work, self._seconds = work, seconds
        self._process = 0
        self._requests = self._answers = -1
        self._unread = b""

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process != 0

    def start(self) -> int:
        """Fork it; the file from which answers can be read.

        Raises:
            OSError: there can be no further process.
        """
        self.end()
        theirs, self._requests = os.pipe()
        try:
            self._answers, answers = os.pipe()
        except OSError:
            os.close(theirs)
            os.close(self._requests)
            raise
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other threads: a child that hangs is killed
                self._process = os.fork()
            if self._process == 0:
                _child(theirs, answers, self._work, self._seconds)
        except OSError:
            self._close()
            raise
        finally:
            os.close(theirs)
            os.close(answers)
        with contextlib.suppress(OSError):
            os.setpgid(self._process, self._process)  # whoever is first, this one or the child
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        return self._answers

    def ask(self, number: int, text: str) -> bool:
        """Have it drop what it does and work on ``text``; whether it could be told."""
        request = json.dumps([number, text]).encode() + b"\n"
        if len(request) > LONGEST:
            request = json.dumps([number, ""]).encode() + b"\n"
        try:
            return os.write(self._requests, request) == len(request)
        except OSError:
            return False

    def answers(self) -> list[Answer]:
        """What it has told since; each answer has the ``number`` of its question.

        Raises:
            EOFError: it is gone.
        """
        try:
            data = os.read(self._answers, 1 << 16)
        except BlockingIOError:
            return []
        if not data:
            raise EOFError
        *lines, self._unread = (self._unread + data).split(b"\n")
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):  # a process that was killed as it wrote
                found += [json.loads(line)] if line else []
        return found

    def end(self) -> None:
        """Kill it. It is not waited for: where it holds much memory, that takes a while."""
        if self._process:
            with contextlib.suppress(OSError):
                os.killpg(self._process, signal.SIGKILL)
            _ended.append(self._process)
            self._process = 0
            self._close()
        _ended[:] = [each for each in _ended if not _collected(each)]

    def _close(self) -> None:
        os.close(self._requests)
        os.close(self._answers)
        self._unread = b""


def apart(work: Callable[[], Answer], seconds: float) -> Answer | None:
    """What ``work`` gives, done in another process; ``None`` if it fails or takes longer."""
    helper = Helper(lambda text, tell: tell(work()), seconds)
    ends = time.monotonic() + seconds
    try:
        answers = helper.start()
        helper.ask(1, "go")
        while (left := ends - time.monotonic()) > 0 and select.select([answers], [], [], left)[0]:
            for answer in helper.answers():
                return answer
    except (OSError, EOFError):
        pass
    finally:
        helper.end()
    return None


def _collected(process: int) -> bool:
    try:
        return os.waitpid(process, os.WNOHANG)[0] == process
    except ChildProcessError:
        return True


def _child(requests: int, answers: int, work: Work, seconds: float) -> NoReturn:
    """Serve until the shell is gone, far from its terminal and its locks."""
    try:
        os.setpgid(0, 0)
        os.nice(10)  # keys come first
        _let_go_of_all_but(requests, answers)
        _serve(requests, answers, work, seconds)
    finally:
        os._exit(1)


def _let_go_of_all_but(*kept: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGWINCH, signal.SIG_IGN)
    gc.disable()  # it would write into every object, and so copy all of the memory that is shared
    nothing = os.open(os.devnull, os.O_RDWR)
    for place in range(3):
        os.dup2(nothing, place)
    for file in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - numbers, not paths
        if file > 2 and file not in kept:
            with contextlib.suppress(OSError):
                os.close(file)


def _serve(requests: int, answers: int, work: Work, seconds: float) -> NoReturn:
    worker, unread = 0, b""
    while True:
        data = os.read(requests, 1 << 16)
        if worker:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)
            worker = 0
        if not data:
            os._exit(0)
        *lines, unread = (unread + data).split(b"\n")
        number, text = json.loads(lines[-1]) if lines else (0, "")
        worker = os.fork() if text else 0
        if text and worker == 0:
            _answer(answers, number, text, work, seconds)


def _answer(answers: int, number: int, text: str, work: Work, seconds: float) -> NoReturn:
    """Work until it is done, or the clock rings."""
    signal.setitimer(signal.ITIMER_REAL, seconds)

    def tell(answer: Answer) -> None:
        # The line break before it ends what a process that was killed may have left unfinished.
        data = memoryview(b"\n" + json.dumps({**answer, "number": number}).encode() + b"\n")
        while data:
            data = data[os.write(answers, data) :]

    with contextlib.suppress(Exception):
        work(text, tell)
    os._exit(0)
