"""Every test lives in a home, a state folder and a working folder of its own."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

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
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """``cli(*arguments, stdin=…)`` runs the command line in this process, in ``folder``."""
    from brainsurgery_shell.cli import main

    def run(*arguments: object, stdin: str | None = "") -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            status = main([str(each) for each in arguments])
        return Outcome(status, out.getvalue(), err.getvalue())

    yield run


@pytest.fixture
def do(cli: Cli) -> Cli:
    """``do(*arguments, lines…)``: checkpoint arguments, then one ``-c`` for each line that holds a blank."""

    def run(*words: str) -> Outcome:
        arguments: list[str] = []
        for word in words:
            plain = " " not in word and ":" not in word.replace("::", "") and word not in ONE_WORD
            arguments += [word] if plain else ["-c", word]
        return cli(*arguments)

    return run


ONE_WORD = {"undo", "redo", "history", "dump", "prefixes", "help", "exit", "summarize"}
