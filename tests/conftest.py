"""Every test lives in a home, a state folder and a working folder of its own."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from brainsurgery_shell.errors import SurgeryError

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(home / variable.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")


@dataclass(frozen=True)
class Outcome:
    """What a run of the command line gave."""

    status: int
    out: str
    err: str

    def ok(self) -> str:
        """Standard output of a run that must have succeeded."""
        assert self.status == 0, self.err
        return self.out

    def fails(self, *words: str, status: int = 1) -> str:
        """Standard error of a run that must have failed, with these words in it."""
        assert self.status == status, (self.status, self.out, self.err)
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err, self.err
        return self.err


Cli = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, entered."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """``cli(*arguments, stdin=…)`` runs the command line in this process, in ``folder``."""
    from brainsurgery_shell.cli import main

    def run(*arguments: object, stdin: str | None = "") -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            try:
                status = main([str(each) for each in arguments])
            finally:  # the command line has its process for itself, and leaves the collector as it likes
                gc.unfreeze()
                gc.enable()
        return Outcome(status, out.getvalue(), err.getvalue())

    return run


class Patient:
    """A session in memory over checkpoints on disk, for tests of single operations."""

    def __init__(self, folder: Path) -> None:
        from brainsurgery_shell.session.session import Session
        from brainsurgery_shell.session.settings import Settings

        self.folder = folder
        self.warnings: list[str] = []
        self.session = Session(
            Settings(memory=1 << 28, journal=False), folder=folder, warn=self.warnings.append
        )

    def open(self, alias: str = "model", **tensors: Any) -> Patient:
        """Open tensors, given by name (``__`` stands for a dot), under ``alias``."""
        from safetensors.torch import save_file

        named = {name.replace("__", "."): tensor.contiguous().clone() for name, tensor in tensors.items()}
        path = self.folder / f"{alias}.safetensors"
        save_file(named, path)
        self.session.open_input(str(path), alias)
        return self

    def run(self, *lines: str) -> Any:
        """Execute lines; the last one's report."""
        from brainsurgery_shell.lang.parser import parse_line

        report = None
        for line in lines:
            command = parse_line(line)
            assert command is not None
            report = self.session.execute(command)
        return report

    def fails(self, line: str, *words: str) -> SurgeryError:
        """The error that a line gives; the workspace must be exactly as it was."""
        before = self.state()
        steps = len(self.session.timeline.steps)
        with pytest.raises(SurgeryError) as caught:
            self.run(line)
        assert self.state() == before
        assert len(self.session.timeline.steps) == steps
        said = f"{caught.value.message}\n{caught.value.hint or ''}"
        for word in words:
            assert word in said, said
        return caught.value

    def state(self) -> object:
        """Everything that an edit may change: aliases, names in order, tensors (by identity), default."""
        workspace = self.session.workspace
        return (
            [
                (alias, [(name, id(each.tensors[name])) for name in each.names()], dict(each.metadata))
                for alias, each in workspace.checkpoints.items()
            ],
            workspace.chosen,
        )

    def names(self, alias: str = "model") -> list[str]:
        """Tensor names in checkpoint order."""
        return list(self.session.workspace.checkpoints[alias].names())

    def __getitem__(self, name: str) -> Any:
        """A tensor's value, by ``name`` or ``alias::name``."""
        alias, _, rest = name.rpartition("::")
        checkpoint = self.session.workspace.checkpoints[alias or "model"]
        return self.session.evaluator.whole(checkpoint.tensors[rest])

    def list(self, name: str) -> Any:
        """A tensor's value as nested lists."""
        return self[name].tolist()


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    """A session without checkpoints; open some with ``patient.open(name=tensor)``."""
    made = Patient(tmp_path)
    yield made
    made.session.close()


@pytest.fixture
def small_dcp(tmp_path: Path) -> Path:
    """A distributed checkpoint of two tensors, as PyTorch writes it."""
    import torch
    from dcp_cases import save_dict

    return save_dict(tmp_path / "c", {"a": torch.arange(4.0), "b": torch.ones(2, 2)})
