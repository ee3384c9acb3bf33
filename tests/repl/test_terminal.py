"""The real command on a terminal: what the screen shows, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from shells import Screen, write_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "m.safetensors")
    return tmp_path


@pytest.fixture
def screens(folder: Path) -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.child.close(force=True)


def test_a_session(folder: Path, screens: list[Screen]) -> None:
    screen = Screen(folder, "m.safetensors")
    screens.append(screen)
    screen.until("model>")
    screen.type("delete: h.")
    screen.until("1 tensor", count=2)
    screen.type("0.")
    screen.until("float32 [2]")
    screen.type("\t")
    screen.until("delete: h.0.w")
    screen.type("\r")
    screen.until("model*>")
    screen.type("dump: target: .*, format: compact\r")
    screen.until("model::wte")
    screen.type("bogus\r")
    screen.until("error: unknown operation 'bogus'")
    assert b"\x1b[1;31merror:" in screen.raw
    screen.type("dump: xyz\x03")
    screen.until("model*>", count=2)
    screen.type("\x04")
    screen.until("leave? [y/N]")
    screen.type("n\r")
    screen.until("model*>", count=2)
    screen.type("\x04")
    assert screen.ended() == 0


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"PROMPT_TOOLKIT_NO_CPR": "1"}, {"NO_COLOR": "1"}],
    ids=lambda each: next(iter(each)),
)
def test_poor_terminals(folder: Path, screens: list[Screen], environment: dict[str, str]) -> None:
    screen = Screen(folder, "m.safetensors", **environment)
    screens.append(screen)
    screen.until("model>")
    screen.type("bogus\r")
    screen.until("error: unknown operation 'bogus'")
    assert b"\x1b[1;31m" not in screen.raw or environment.get("PROMPT_TOOLKIT_NO_CPR")
    screen.type("delete: wte\r")
    screen.until("model*>")
    screen.type("exit\r")
    screen.until("leave? [y/N]")
    screen.type("y\r")
    assert screen.ended() == 0


def test_plain_draws_nothing(folder: Path, screens: list[Screen]) -> None:
    screen = Screen(folder, "--plain", "m.safetensors")
    screens.append(screen)
    screen.until("model>")
    screen.type("dump: wte\r")
    screen.until("float32")
    screen.type("\x04")
    assert screen.ended() == 0


def test_results_that_are_sent_elsewhere_leave_the_prompt_here(folder: Path, screens: list[Screen]) -> None:
    screen = Screen(folder, "m.safetensors", redirect="> out.txt")
    screens.append(screen)
    screen.until("model>")
    screen.type("dump: target: wte, format: compact\r")
    screen.until("model>", count=2)
    screen.type("\x04")
    assert screen.ended() == 0
    assert (folder / "out.txt").read_text().startswith("model::wte")
    assert "model>" not in (folder / "out.txt").read_text()


def test_ctrl_c_stops_what_runs(folder: Path, screens: list[Screen]) -> None:
    screen = Screen(folder, "m.safetensors")
    screens.append(screen)
    screen.until("model>")
    screen.type("!echo be''gun; sleep 60\r")
    screen.until("begun")
    screen.type("\x03")
    screen.until("interrupted: nothing was changed")
    screen.until("model>", count=2)
    screen.type("\x04")
    assert screen.ended() == 0


LONG = ("rand: target: r, shape: [20000000], seed: 1", "save: out")
"""More than half a second: torch is imported."""


def test_progress_is_shown_and_goes(folder: Path, screens: list[Screen]) -> None:
    screen = Screen(folder, "m.safetensors")
    screens.append(screen)
    screen.until("model>")
    for line in LONG:
        screen.type(f"{line}\r")
    screen.until("saving out: ")
    screen.until("saved 4 tensors")
    screen.until("model>", count=2)
    assert "saving out" not in screen.text
    screen.type("\x04")
    assert screen.ended() == 0


@pytest.mark.parametrize("redirect", ["", "2> err.txt"])
def test_progress_of_a_batch(folder: Path, screens: list[Screen], redirect: str) -> None:
    lines = [word for line in LONG for word in ("-c", line)]
    screen = Screen(folder, "m.safetensors", *lines, redirect=redirect, NO_COLOR="1")
    screens.append(screen)
    screen.until("saved 4 tensors")
    assert screen.ended() == 0
    assert (b"saving out: " in screen.raw) == (not redirect)
    assert screen.text.startswith("saved 4 tensors")
    if redirect:
        assert (folder / "err.txt").read_text() == ""


@pytest.mark.parametrize("line", ["assert: finite: .*", "save: out"])
def test_ctrl_c_is_heard_while_torch_is_imported(folder: Path, screens: list[Screen], line: str) -> None:
    screen = Screen(folder, "m.safetensors", "-i", "-c", "scale_: target: .*, by: 2")
    screens.append(screen)
    screen.until("model*>")
    screen.type(f"{line}\r")
    time.sleep(0.25)
    began = time.monotonic()
    screen.type("\x03")
    screen.until("interrupted: nothing was changed")
    assert time.monotonic() - began < 3  # some 100 ms where the machine is not busy
    screen.until("model*>", count=2)
    screen.type(f"{line}\r")  # what was half imported does no harm
    screen.until("it holds" if line.startswith("assert") else "saved 3 tensors")
    assert {path.name for path in folder.iterdir() if "out" in path.name} == (
        set() if line.startswith("assert") else {"out"}
    )
    screen.child.close(force=True)


def test_scripts_do_not_enter_the_history(folder: Path, screens: list[Screen]) -> None:
    (folder / "s.oly").write_text("delete: wte\n")
    screen = Screen(folder, "-i", "m.safetensors", "s.oly", "-c", "delete: h.0.w")
    screens.append(screen)
    screen.until("model*>")
    screen.type("dump\r")
    screen.until("model*>", count=2)
    screen.type("\x04")
    screen.until("leave?")
    screen.type("\x04")
    assert screen.ended() == 0
    assert (folder / "state" / "brainsurgery" / "history").read_text() == "dump\n"


def test_nothing_of_torch_before_the_prompt() -> None:
    code = (
        "import sys, brainsurgery_shell.modes\n"
        "import brainsurgery_shell.repl.prompt, brainsurgery_shell.repl.shell\n"
        "from brainsurgery_shell.describe import load_declarations\n"
        "load_declarations()\n"
        "print([name for name in ('torch', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
