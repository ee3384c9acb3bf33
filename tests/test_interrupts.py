"""Ctrl-C held back: also where other threads could take the signal."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from brainsurgery_shell.interrupts import uninterrupted


def press() -> None:
    """Ctrl-C, and time for Python to hear it."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


@pytest.fixture(autouse=True)
def _other_thread() -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield
    done.set()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_comes_when_all_is_done() -> None:
    done = []

    def pressed_twice() -> None:
        with uninterrupted():
            press()
            with uninterrupted():
                press()
            done.append(True)
        done.append(False)

    with pytest.raises(KeyboardInterrupt):
        pressed_twice()
    assert done == [True]
    with uninterrupted():
        pass


def test_an_error_goes_before_it() -> None:
    def failing() -> None:
        with uninterrupted():
            press()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        failing()
    time.sleep(0.01)


def test_other_threads_are_not_interrupted_anyway() -> None:
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
