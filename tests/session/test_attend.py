"""Long work in a thread: what comes out of it, what is told of it, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from brainsurgery_shell.errors import StepError
from brainsurgery_shell.graph.files import facts_of
from brainsurgery_shell.graph.tensor import StoredFile
from brainsurgery_shell.session.attend import GivenUp, WatchedFiles, announce, attended
from conftest import Patient


class Told:
    """What a watch was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.done = self.total = self.ended = 0

    def begin(self, what: str, total: int) -> None:
        self.begun.append((what, total))
        self.total = total

    def advance(self, nbytes: int, more: int = 0) -> None:
        self.done += nbytes
        self.total += more

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def stored(tmp_path: Path) -> StoredFile:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(1000))
    with path.open("rb") as file:
        return StoredFile(path, facts_of(file.fileno()), "bytes")


def test_results_and_errors_come_out() -> None:
    told = Told()
    assert attended(lambda: 7, told, "seven") == 7

    def fail() -> None:
        raise StepError("no")

    with pytest.raises(StepError, match="no"):
        attended(fail, told, "fail")
    assert told.begun == [("seven", 0), ("fail", 0)]
    assert told.ended == 2


def test_what_is_read_is_told(stored: StoredFile) -> None:
    files, told = WatchedFiles(), Told()

    def read() -> None:
        announce(1000)
        for at in range(0, 1000, 100):
            files.read_into(stored, at, memoryview(bytearray(100)))
        time.sleep(0.2)

    attended(read, told, "read")
    assert (told.done, told.total) == (1000, 1000)
    files.read_into(stored, 0, memoryview(bytearray(100)))  # unattended: nobody counts
    announce(5)
    files.close()


def test_ctrl_c_is_heard_at_once_and_the_thread_ends_at_its_next_read(stored: StoredFile) -> None:
    files, given_up = WatchedFiles(), threading.Event()

    def work() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(0.5)
        try:
            files.read_into(stored, 0, memoryview(bytearray(100)))
        except GivenUp:
            given_up.set()
            raise

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        attended(work, Told(), "work")
    assert time.monotonic() - began < 0.3
    assert given_up.wait(2)
    files.close()


def test_what_a_step_that_was_given_up_still_makes_is_made_again(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next step asks for a result while the thread that nobody waits for is still at it."""
    read, slow = WatchedFiles.read_runs, threading.Event()

    def slowly(*arguments: object) -> None:
        if not slow.is_set():
            slow.set()
            time.sleep(0.3)
        read(*arguments)  # type: ignore[arg-type]

    patient.open(a=torch.ones(30, 20), b=torch.ones(20, 30))
    patient.run("compute: to: c, let: { a: a }, expr: 'a * 2'", "matmul: from_a: b, from_b: c, to: d")
    monkeypatch.setattr(WatchedFiles, "read_runs", slowly)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        patient.run("assert: finite: d")
    patient.run("assert: range: { of: d, ge: 60, le: 60 }")


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ("assert: finite: '.*'", 2 * 4000),
        ("assert: equal: { left: a, right: b }", 2 * 4000),
        ("diff: left: a, right: b", 0),
        ("dump: target: .*, verbosity: stat", 2 * 4000),
        ("dump: .*", 0),
        ("cast_: target: .*, to: float16, overflow: error", 2 * 4000),
        ("assert: exists: a", 0),
    ],
)
def test_steps_say_how_much_they_read(patient: Patient, line: str, total: int) -> None:
    patient.open(a=torch.ones(1000), b=torch.ones(1000))
    told: list[int] = []
    patient.session.services.reading = told.append  # type: ignore[method-assign]
    announced = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brainsurgery_shell.session.session.announce", announced.append)
        patient.run(line)
    assert sum(told + announced) == total


def test_computed_tensors_count_by_the_files_they_read(patient: Patient) -> None:
    patient.open(a=torch.ones(1000))
    patient.run("cast_: target: a, to: float64", "scale_: target: a, by: 2")
    told: list[int] = []
    patient.session.services.reading = told.append  # type: ignore[method-assign]
    patient.run("assert: finite: a")
    assert told == [4000]
