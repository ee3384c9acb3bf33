"""The real command on a terminal: what the screen shows, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shells import Screen, write_checkpoint, write_sparse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "m.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"PROMPT_TOOLKIT_NO_CPR": "1"}, {"NO_COLOR": "1"}],
    ids=lambda each: next(iter(each)),
)
def test_poor_terminals(folder: Path, environment: dict[str, str]) -> None:
    with Screen(folder, "m.safetensors", **environment) as screen:
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


def test_plain_draws_nothing(folder: Path) -> None:
    with Screen(folder, "--plain", "m.safetensors") as screen:
        screen.until("model>")
        screen.type("dump: wte\r")
        screen.until("float32")
        screen.type("\x04")
        assert screen.ended() == 0


def test_results_that_are_sent_elsewhere_leave_the_prompt_here(folder: Path) -> None:
    with Screen(folder, "m.safetensors", redirect="> out.txt") as screen:
        screen.until("model>")
        screen.type("dump: target: wte, format: compact\r")
        screen.until("model>", count=2)
        screen.type("\x04")
        assert screen.ended() == 0
        assert (folder / "out.txt").read_text().startswith("model::wte")
        assert "model>" not in (folder / "out.txt").read_text()


def test_ctrl_c_stops_what_runs(folder: Path) -> None:
    with Screen(folder, "m.safetensors") as screen:
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


def test_progress_is_shown_and_goes(folder: Path) -> None:
    with Screen(folder, "m.safetensors") as screen:
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
def test_progress_of_a_batch(folder: Path, redirect: str) -> None:
    lines = [word for line in LONG for word in ("-c", line)]
    with Screen(folder, "m.safetensors", *lines, redirect=redirect, NO_COLOR="1") as screen:
        screen.until("saved 4 tensors")
        assert screen.ended() == 0
        assert (b"saving out: " in screen.raw) == (not redirect)
        assert screen.text.startswith("saved 4 tensors")
        if redirect:
            assert (folder / "err.txt").read_text() == ""


@pytest.mark.parametrize("line", ["assert: finite: .*", "save: out"])
def test_ctrl_c_is_heard_while_torch_is_imported(folder: Path, line: str) -> None:
    with Screen(folder, "m.safetensors", "-i", "-c", "scale_: target: .*, by: 2") as screen:
        screen.until("model*>")
        screen.type(f"{line}\r")
        screen.until_running()
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


@pytest.mark.parametrize(
    ("given", "line", "shown"),
    [
        ("rand: target: r, shape: [200000000], seed: 1", "save: out", "saving out: "),
        ("scale: from: big, to: big2, by: 2", "diff: left: b(i)g, right: b(i)g2", " GiB, "),
        (
            "rand: target: r, shape: [3000, 3000], seed: 1",
            "phlora: target: r, target_a: ra, target_b: rb, energy: 0.9",
            None,
        ),
    ],
    ids=["save", "diff", "phlora"],
)
def test_ctrl_c_in_the_middle_changes_nothing(folder: Path, given: str, line: str, shown: str | None) -> None:
    write_sparse(folder / "big.safetensors", 2**31)
    with Screen(folder, "m.safetensors", "-i", "-c", "load: path: big.safetensors, to: big") as screen:
        screen.until("model*>")
        screen.type(f"{given}\r")
        screen.until("model*>", count=2)
        screen.type(f"{line}\r")
        screen.until_running()
        if shown:
            screen.until(shown)
        began = time.monotonic()
        screen.type("\x03")
        screen.until("interrupted: nothing was changed")
        assert time.monotonic() - began < 3  # some 100 ms where the machine is not busy
        screen.until("model*>", count=3)
        screen.type("history\r")
        screen.until("model*>", count=4)
        screen.child.close(force=True)
    assert {path.name for path in folder.iterdir() if "out" in path.name} == set()


def test_scripts_do_not_enter_the_history(folder: Path) -> None:
    (folder / "s.oly").write_text("delete: wte\n")
    with Screen(folder, "-i", "m.safetensors", "s.oly", "-c", "delete: h.0.w") as screen:
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_shell_that_is_told_to_end_gives_the_terminal_back(folder: Path, number: signal.Signals) -> None:
    with Screen(folder, "m.safetensors") as screen:
        screen.until("model>")
        screen.type("delete: wte")
        screen.until("deletes 1")
        os.kill(screen.child.pid, number)
        assert screen.ended() == 128 + number
        assert b"\x1b[?2004l" in screen.raw.rpartition(b"deletes 1")[2]


def test_prompts_do_not_go_where_results_are_sent(folder: Path) -> None:
    with Screen(folder, "--plain", "m.safetensors", redirect="> results") as screen:
        screen.until("model>")
        screen.type("ls\r")
        screen.until("model>", count=2)
        screen.type("\x04")
        assert screen.ended() == 0
    assert "model>" not in (folder / "results").read_text()
