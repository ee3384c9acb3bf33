"""Where results go: when a pager is used, and which."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from brainsurgery_shell.repl.manners import Manners
from brainsurgery_shell.repl.results import Results


@pytest.fixture(autouse=True)
def _terminal_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def screen() -> Iterator[TextIO]:
    """A terminal of 10 lines and 20 columns; what is written to it is not read."""
    end, other = pty.openpty()
    termios.tcsetwinsize(other, (10, 20))
    with os.fdopen(other, "w") as stream:
        yield stream
    os.close(end)


@pytest.fixture
def paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the pager writes what it gets into."""
    monkeypatch.setenv("PAGER", f"sh -c 'cat > {tmp_path / 'paged'}'")
    return tmp_path / "paged"


@pytest.mark.parametrize(
    ("lines", "long"),
    [
        (["x"] * 9, False),
        (["x"] * 10, True),
        (["x" * 20] * 9, False),
        (["x" * 21] * 5, True),
        (["\x1b[1m" + "x" * 20 + "\x1b[0m"] * 9, False),
        ([], False),
    ],
)
def test_what_is_taller_than_the_screen_is_paged(
    screen: TextIO, paged: Path, lines: list[str], long: bool
) -> None:
    Results(screen, Manners()).show(lines)
    assert paged.exists() == long
    if long:
        assert paged.read_text() == "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    "manners", [Manners(pager="never"), Manners(plain=True), Manners(pager="'"), Manners(pager="nosuchpager")]
)
def test_without_a_pager_all_is_printed(screen: TextIO, paged: Path, manners: Manners) -> None:
    Results(screen, manners).show(["x"] * 50)
    assert not paged.exists()


def test_the_configured_pager_comes_before_the_environment_s(
    screen: TextIO, paged: Path, tmp_path: Path
) -> None:
    Results(screen, Manners(pager=f"sh -c 'cat > {tmp_path / 'own'}'")).show(["x"] * 50)
    assert not paged.exists()
    assert (tmp_path / "own").read_text() == "x\n" * 50


def test_a_file_gets_all_of_it_without_colours(tmp_path: Path, paged: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        results = Results(file, Manners())
        assert (results.page.width, results.page.colour) == (None, False)
        results.show(["x"] * 50)
    assert (tmp_path / "out").read_text() == "x\n" * 50
    assert not paged.exists()


@pytest.mark.parametrize(
    ("manners", "term", "colour"),
    [
        (Manners(), "xterm", True),
        (Manners(), "dumb", False),
        (Manners(color="never"), "xterm", False),
        (Manners(plain=True), "xterm", False),
        (Manners(color="always"), "xterm", True),
    ],
)
def test_colours_are_for_terminals_that_have_them(
    screen: TextIO, monkeypatch: pytest.MonkeyPatch, manners: Manners, term: str, colour: bool
) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", term)
    assert Results(screen, manners).page.colour == colour
