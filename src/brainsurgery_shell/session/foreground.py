"""Programs that take the terminal for a while: an editor, a pager."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO


def run_foreground(
    command: Sequence[str], *, text: str | None = None, environment: Mapping[str, str] | None = None
) -> int:
    """Run a program on the terminal until it ends, with ``text`` as what it reads; its exit status.

    Its environment is ours, and of ``environment`` what ours has not.

    Ctrl-C is the program's: it decides whether that ends it. A program that reads no more is left alone.

    Raises:
        OSError: it cannot be started.
    """
    with _terminal_in(text) as stdin, _terminal_out() as stdout:
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, env={**(environment or {}), **os.environ}
        )
        with _interrupts_ignored():
            if process.stdin is not None:
                with suppress(BrokenPipeError), process.stdin as pipe:
                    pipe.write((text or "").encode("utf-8", "replace"))
            return process.wait()


@contextmanager
def _terminal_in(text: str | None) -> Iterator[int | IO[bytes] | None]:
    """Where the program reads: never the commands that standard input may hold."""
    if text is not None:
        yield subprocess.PIPE
    elif sys.stdin is not None and sys.stdin.isatty():
        yield None
    else:
        with _opened("/dev/tty", os.devnull, "rb") as file:
            yield file


@contextmanager
def _terminal_out() -> Iterator[int | IO[bytes] | None]:
    """Where it draws: never the file that results may go into."""
    if sys.stdout is not None and sys.stdout.isatty():
        sys.stdout.flush()
        yield None
    else:
        with _opened("/dev/tty", os.devnull, "wb") as file:
            yield file


@contextmanager
def _opened(path: str, otherwise: str, mode: str) -> Iterator[IO[bytes]]:
    try:
        file = open(path, mode)  # noqa: SIM115
    except OSError:  # there is no terminal at all
        file = open(otherwise, mode)  # noqa: SIM115
    with file:
        yield file


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C here. Set once the program runs, which would inherit it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
