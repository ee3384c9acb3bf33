"""The process that works on the line: it is dropped, killed and outlived as it must be."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainsurgery_shell.repl import helper as helper_module
from brainsurgery_shell.repl.helper import LONGEST, Answer, Helper, Tell, apart

SECONDS = 20
"""After which a test gives up."""
KNOWN = ["what", "the", "shell", "knows"]


def work(text: str, tell: Tell) -> None:
    """Answers; or runs away as Python's ``re`` does, with the interpreter held."""
    if text == "run away":
        tell({"text": "running", "process": os.getpid()})
        re.fullmatch("(.+)+x", "y" * 60)
    elif text == "fail":
        raise ValueError(text)
    else:
        tell({"text": f"{text}: {len(KNOWN)}", "process": os.getpid()})


@pytest.fixture
def helper() -> Iterator[Helper]:
    made = Helper(work, seconds=600)
    made.start()
    yield made
    made.end()


def answer(helper: Helper, number: int) -> Answer:
    """The answer to a question."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for each in helper.answers():
            if each["number"] == number:
                return each
        time.sleep(0.002)
    raise AssertionError(f"no answer to {number}")


def gone(process: int) -> bool:
    """Whether a process that is not ours to collect has ended."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{process}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.005)
    return False


def test_it_answers_from_memory(helper: Helper) -> None:
    assert helper.ask(1, "a")
    assert answer(helper, 1)["text"] == "a: 4"
    assert helper.ask(2, "b")
    assert answer(helper, 2)["text"] == "b: 4"


def test_the_next_line_ends_what_ran_away(helper: Helper) -> None:
    helper.ask(1, "run away")
    process = answer(helper, 1)["process"]
    began = time.monotonic()
    assert helper.ask(2, "next")
    assert time.monotonic() - began < SECONDS / 2
    assert answer(helper, 2)["text"] == "next: 4"
    assert gone(process)


def test_an_empty_line_ends_it_too(helper: Helper) -> None:
    helper.ask(1, "run away")
    process = answer(helper, 1)["process"]
    helper.ask(2, "")
    assert gone(process)


def test_the_clock_ends_it() -> None:
    helper = Helper(work, seconds=0.2)
    helper.start()
    helper.ask(1, "run away")
    assert gone(answer(helper, 1)["process"])
    helper.ask(2, "next")
    assert answer(helper, 2)["text"] == "next: 4"
    helper.end()


def test_the_end_is_at_once(helper: Helper) -> None:
    helper.ask(1, "run away")
    process = answer(helper, 1)["process"]
    began = time.monotonic()
    helper.end()
    assert time.monotonic() - began < SECONDS / 2
    assert not helper.running
    assert gone(process)
    helper.start()
    helper.ask(2, "again")
    assert answer(helper, 2)["text"] == "again: 4"


def test_a_failure_is_no_answer(helper: Helper) -> None:
    helper.ask(1, "fail")
    helper.ask(2, "b")
    assert answer(helper, 2)["text"] == "b: 4"


def test_only_the_last_of_many_counts(helper: Helper) -> None:
    for number in range(200):
        assert helper.ask(number, f"line {number}")
    assert answer(helper, 199)["text"] == "line 199: 4"


def test_what_is_too_long_is_not_asked(helper: Helper) -> None:
    assert helper.ask(1, "x" * LONGEST)
    helper.ask(2, "b")
    assert answer(helper, 2)["text"] == "b: 4"


def test_its_death_is_noticed(helper: Helper) -> None:
    helper.ask(1, "a")
    os.killpg(helper._process, signal.SIGKILL)
    with pytest.raises(EOFError):
        answer(helper, 2)


def test_it_holds_nothing_of_the_shell(tmp_path: Path) -> None:
    """Neither files, which may be locked, nor the terminal; signals of the keyboard do not reach it."""
    file = os.open(tmp_path / "locked", os.O_RDWR | os.O_CREAT)

    def look(text: str, tell: Tell) -> None:
        kept = []
        for each in range(3, 64):
            try:
                kept.append(str(Path(f"/proc/self/fd/{each}").readlink()))
            except OSError:
                continue
        tell({"files": kept, "standard": str(Path("/proc/self/fd/1").readlink()), "group": os.getpgrp()})

    helper = Helper(look)
    helper.start()
    helper.ask(1, "look")
    found = answer(helper, 1)
    helper.end()
    os.close(file)
    assert all(each.startswith("pipe:") for each in found["files"])
    assert found["standard"] == os.devnull
    assert found["group"] != os.getpgrp()


def test_it_does_not_outlive_the_shell() -> None:
    program = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_helper import Helper, answer, work\n"
        "helper = Helper(work, seconds=600)\n"
        "helper.start()\n"
        "helper.ask(1, 'run away')\n"
        "print(helper._process, answer(helper, 1)['process'], flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        processes = [int(each) for each in shell.stdout.readline().split()]
        shell.kill()
        assert len(processes) == 2
        assert all(gone(each) for each in processes)


def test_what_was_killed_is_collected_by_whoever_comes_next(helper: Helper) -> None:
    for _ in range(3):
        assert apart(lambda: {"text": "done"}, SECONDS)
    deadline = time.monotonic() + SECONDS
    while helper_module._ended and time.monotonic() < deadline:
        Helper(work).end()
        time.sleep(0.005)
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert children == [str(helper._process)]


def test_where_no_pipe_can_be_made_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [os.pipe()]
    helper = Helper(work)

    def pipe() -> tuple[int, int]:
        if not made:
            raise OSError("too many open files")
        return made.pop()

    ends = made[0]
    monkeypatch.setattr(os, "pipe", pipe)
    with pytest.raises(OSError, match="too many"):
        helper.start()
    for end in ends:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(end)
