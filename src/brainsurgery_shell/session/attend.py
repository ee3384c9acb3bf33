"""Long work of a step: done in a thread, so that the main one can tell how far it is and hear Ctrl-C at once.

Importing torch and factorising a large matrix take seconds in which Python hears no signal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from brainsurgery_shell.graph.files import FilePool
from brainsurgery_shell.graph.tensor import StoredFile

Result = TypeVar("Result")

_POLL = 0.05


class Watch(Protocol):
    """Is told how far something is, by the main thread, several times a second."""

    def begin(self, what: str, total: int) -> None:
        """``what`` begins: ``total`` bytes, as far as is known."""

    def advance(self, nbytes: int, more: int = 0) -> None:
        """``nbytes`` more are done, and ``more`` turned out to be needed."""

    def end(self) -> None:
        """It is done, or was given up."""


class Unwatched:
    """Tells nobody."""

    def begin(self, what: str, total: int) -> None:
        """Nothing."""

    def advance(self, nbytes: int, more: int = 0) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class GivenUp(BaseException):
    """The step of this thread was interrupted. Not an ``Exception``: no kernel may swallow it."""


class Attended(threading.Thread):
    """Does the work of one step. One that is given up ends at its next read, and nobody waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="step", daemon=True)
        self._work = work
        self.given_up = False
        self.read = 0
        """Bytes of files."""
        self.announced = 0
        """How many of them it said that it would read."""

    def run(self) -> None:
        """Do it."""
        self._work()


class WatchedFiles(FilePool):
    """Files that count what an attended thread reads, and end one that was given up."""

    def read_runs(self, file: StoredFile, offset: int, buffer: memoryview, runs: int, stride: int) -> None:
        """As any pool does; all reading comes here."""
        thread = threading.current_thread()
        if isinstance(thread, Attended):
            if thread.given_up:
                raise GivenUp
            thread.read += len(buffer)
        super().read_runs(file, offset, buffer, runs, stride)


def announce(nbytes: int) -> None:
    """Say how much the step of this thread is about to read. Means nothing in a thread nobody attends."""
    thread = threading.current_thread()
    if isinstance(thread, Attended):
        thread.announced += nbytes


def attended(work: Callable[[], Result], watch: Watch, what: str) -> Result:
    """What ``work`` gives, which must have no effects: if it is interrupted, it is left to itself.

    ``watch`` calls it ``what``.

    Raises:
        BaseException: what ``work`` raises.
        KeyboardInterrupt: at once.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failure.append(error)
        finally:
            done.set()

    thread = Attended(run)
    read = announced = 0
    try:
        thread.start()
        watch.begin(what, 0)
        while not done.wait(_POLL):
            now = thread.read, thread.announced
            watch.advance(now[0] - read, now[1] - announced)
            read, announced = now
    except BaseException:
        thread.given_up = True
        raise
    finally:
        watch.end()
    if failure:
        raise failure[0]
    return outcome[0]
