"""What a stream can show."""

from __future__ import annotations

import io
import os
import pty
import sys
import termios

import pytest

from brainsurgery_shell.views.page import page_for


def test_the_width_is_that_of_the_stream_where_standard_output_is_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (9, 33))
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal:
        assert page_for(terminal).width == 33


def test_what_stands_in_for_a_terminal_has_the_usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert page_for(stream).width == 80
