"""What is drawn of progress, when, and where it is not."""

from __future__ import annotations

import io

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsurgery_shell.progress import PATIENCE, Progress

MIB = 1 << 20


class Terminal(io.StringIO):
    """Eighty columns; what it was sent, and what stands on it."""

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> str:
        screen = pyte.Screen(80, 4)
        pyte.Stream(screen).feed(self.getvalue().replace("\n", "\r\n"))
        return "\n".join(line.rstrip() for line in screen.display).strip()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_bytes_rate_and_time_left_then_nothing():
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.begin("saving out", 400 * MIB)
    for _ in range(10):
        clock.now += 0.1
        progress.advance(10 * MIB)
    assert terminal.shown.startswith("saving out: 100 MiB of 400 MiB, ")
    assert terminal.shown.endswith(" MiB/s, 0:03 left")
    progress.advance(300 * MIB)
    clock.now += 0.1
    progress.advance(0)
    assert terminal.shown == "saving out: 400 MiB of 400 MiB, finishing"
    progress.end()
    assert terminal.shown == ""


def test_what_waits_before_the_first_byte_is_no_part_of_the_rate():
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.begin("saving out", 400 * MIB)
    for _ in range(20):
        clock.now += 0.1
        progress.advance(0)
    assert terminal.shown == "saving out: 0 B of 400 MiB"
    clock.now += 1
    progress.advance(100 * MIB)
    assert "100 MiB/s, 0:03 left" in terminal.shown


def test_short_things_are_not_shown():
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    for _ in range(9):
        progress.begin("saving out", 100)
        clock.now += PATIENCE - 0.01
        progress.advance(100)
        progress.end()
    assert terminal.getvalue() == ""


@given(st.lists(st.tuples(st.floats(0.0001, 1), st.integers(0, 1 << 30)), max_size=60))
def test_ten_updates_a_second_that_fit_the_line(steps):
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.begin("saving " + "x" * 100, sum(size for _, size in steps))
    for wait, size in steps:
        clock.now += wait
        progress.advance(size)
    assert terminal.getvalue().count("\r") <= 10 * (clock.now - 100) + 1
    assert "\n" not in terminal.shown
    progress.end()
    assert terminal.shown == ""


def test_a_plain_terminal_gets_a_line_now_and_then():
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, plain=True, clock=clock)
    progress.begin("saving out", 1000 * MIB)
    for _ in range(120):
        clock.now += 0.1
        progress.advance(MIB)
    progress.end()
    assert len(terminal.getvalue().splitlines()) == 2
    assert not {"\r", "\x1b"} & set(terminal.getvalue())


def test_nothing_for_what_is_no_terminal():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock=clock)
    progress.begin("saving out", 10)
    clock.now += 9
    progress.advance(5)
    progress.end()
    assert stream.getvalue() == ""


def test_a_message_takes_the_place_of_the_line():
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.begin("saving out", 10)
    clock.now += 1
    progress.advance(5)
    progress.clear()
    terminal.write("warning\n")
    clock.now += 1
    progress.advance(5)
    assert terminal.shown == "warning\nsaving out: 10 B of 10 B, finishing"


def test_totals_that_are_told_later():
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    progress.begin("assert", 0)
    clock.now += 1
    progress.advance(0)
    assert terminal.shown == ""
    progress.advance(10, 100)
    assert terminal.shown.startswith("assert: 10 B of 100 B")


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError])
def test_a_terminal_that_is_gone_stops_nothing(error):
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise error

    clock = Clock()
    progress = Progress(Gone(), clock=clock)
    progress.begin("saving out", 10)
    clock.now += 1
    progress.advance(5)
    progress.end()
