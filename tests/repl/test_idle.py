"""Pauses: torch is imported in them, where a session will compute, and never where it only renames."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from brainsurgery_shell.repl import idle
from brainsurgery_shell.repl.idle import Idle
from brainsurgery_shell.session.ahead import line_computes, session_computes
from conftest import Patient


@pytest.mark.parametrize(
    ("lines", "computes"),
    [
        (["move: from: a, to: c", "copy: from: 'b::[1:]', to: d", "delete: a2", "undo"], False),
        (["reshape_: target: b, shape: [2, 2]"], False),
        (["scale_: target: a, by: 2"], True),
        (["rand: target: r, shape: [2]"], True),
        (["scale_: target: a, by: 2", "undo"], False),
    ],
)
def test_only_tensors_that_are_made_need_computing(
    patient: Patient, lines: list[str], computes: bool
) -> None:
    patient.open(a=torch.ones(4), a2=torch.ones(4), b=torch.ones(4))
    patient.run(*lines)
    assert session_computes(patient.session) == computes


@pytest.mark.parametrize(
    ("line", "computes"),
    [
        ("dump", False),
        ("dump: .*", False),
        ("dump: target: .*, verbosity: stat", True),
        ("dump: target: .*, verbosity: stat > stat.txt", True),
        ("assert: exists: a", False),
        ("assert: finite: a", True),
        ("diff: left: x(.*), right: y(.*)", True),
        ("save: out", False),
        ("delete: a", False),
        ("delete: nosuch", False),
        ("assert: finite: nosuch", False),
        ("dump: (", False),
        ("!ls", False),
        ("", False),
    ],
)
def test_only_lines_that_look_at_values_need_computing(patient: Patient, line: str, computes: bool) -> None:
    patient.open(a=torch.ones(4), x1=torch.ones(4), y1=torch.zeros(4))
    before = patient.state()
    assert line_computes(patient.session, line) == computes
    assert patient.state() == before


def test_a_pause_is_counted_from_the_last_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PATIENCE", 0.03)
    acted: list[str] = []

    async def keys() -> None:
        answers = iter([False, True])

        def act() -> bool:
            acted.append("acted")
            return next(answers)

        pauses = Idle(act)
        for _ in range(5):
            pauses.changed()
            await asyncio.sleep(0.001)
        assert acted == []
        while len(acted) < 1:
            await asyncio.sleep(0.005)
        pauses.changed()
        pauses.stop()
        await asyncio.sleep(0.06)
        assert len(acted) == 1  # the line was entered before the pause was over
        pauses.changed()
        while len(acted) < 2:
            await asyncio.sleep(0.005)
        pauses.changed()  # settled: nothing is waited for any more
        await asyncio.sleep(0.06)
        assert len(acted) == 2

    asyncio.run(asyncio.wait_for(keys(), 10))


@pytest.mark.parametrize("computes", [True, False])
def test_torch_is_there_before_enter_only_where_it_will_be_needed(tmp_path: Path, computes: bool) -> None:
    """In an interpreter of its own: this one has torch already."""
    program = Path(__file__).with_name("pausing.py")
    done = subprocess.run(
        [
            sys.executable,
            str(program),
            "scale_: target: wte, by: 2" if computes else "move: from: wte, to: w",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["paused", "loaded" if computes else "absent"]
