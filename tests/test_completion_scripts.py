"""Scripts for shells: in bash they are run; zsh and fish read theirs where they are installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from brainsurgery_shell.completion_scripts import bash, fish, zsh
from brainsurgery_shell.usage import COMMANDS, OPTIONS, SESSION_VERBS, usage
from conftest import Cli

FLAGS = {name for option in OPTIONS for name in option.names}


@pytest.fixture
def tab(folder: Path, cli: Cli) -> object:
    """``tab(*words)``: what bash offers for the last word, in a folder with some files and two sessions."""
    for name in ("model.safetensors", "a b.pt", "plan.yaml"):
        (folder / name).write_bytes(b"")
    (folder / "out").mkdir()
    for name in ("first", "second"):
        cli("--session", name, "-c", "summarize").ok()
        place = Path(os.environ["XDG_STATE_HOME"]) / "brainsurgery" / "sessions" / name
        place.mkdir(parents=True)
        (place / "journal.jsonl").write_text('{"kind":"header"}\n')
    (folder / "bin").mkdir()
    command = f'#!/bin/sh\nexec {sys.executable} -c "from brainsurgery_shell.cli import main; main()" "$@"\n'
    (folder / "bin" / "brainsurgery").write_text(command)
    (folder / "bin" / "brainsurgery").chmod(0o755)
    (folder / "script").write_text(bash())

    def offered(*words: str) -> set[str]:
        program = (
            f"source ./script; COMP_WORDS=({shlex.join(['brainsurgery', *words])}); COMP_CWORD={len(words)}; "
            'PATH="$PWD/bin:$PATH"; _brainsurgery; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return set(done.stdout.split("\n")) - {""}

    return offered


def test_bash(tab) -> None:  # type: ignore[no-untyped-def]
    files = {"model.safetensors", "a b.pt", "plan.yaml", "out", "bin", "script"}
    assert tab("") == files | {command.name for command in COMMANDS}
    assert tab("ses") == {"sessions"}
    assert tab("mod") == {"model.safetensors"}
    assert tab("model.safetensors", "pl") == {"plan.yaml"}
    assert tab("a") == {"a b.pt"}
    assert tab("-") >= FLAGS | {"--version", "--help"}
    assert tab("--no") == {"--no-journal"}
    assert tab("--provider", "") == {"inmemory", "arena"}
    assert tab("--provider", "=", "a") == {"arena"}
    assert tab("--log-level", "=") == {"error", "warning", "info"}
    assert tab("--arena-root", "") == {"out", "bin"}
    assert tab("--summarize-path", "p") == {"plan.yaml"}
    assert tab("--memory", "") == set()
    assert tab("-c", "") == set()
    assert tab("base", "::", "m") == {"model.safetensors"}
    assert tab("base", "::") == files


def test_bash_knows_subcommands(tab) -> None:  # type: ignore[no-untyped-def]
    assert tab("resume", "") == {"first", "second"}
    assert tab("resume", "f") == {"first"}
    assert tab("resume", "first", "model", "::", "m") == {"model.safetensors"}
    assert tab("resume", "--dry") == {"--dry-run"}
    assert tab("sessions", "") == {*SESSION_VERBS, "--json", "--names"}
    assert tab("sessions", "delete", "first", "") == {"first", "second"}
    assert tab("sessions", "export", "s") == {"second"}
    assert tab("sessions", "export", "second", "pl") == {"plan.yaml"}
    assert tab("check", "pl") == {"plan.yaml"}
    assert tab("check", "--ops") == {"--ops-dir"}
    assert tab("oly", "--to", "") == {"yaml", "oly", "json"}
    assert tab("completion", "") == {"bash", "zsh", "fish"}


@pytest.mark.parametrize(("shell", "script", "check"), [("zsh", zsh, "-n"), ("fish", fish, "--no-execute")])
def test_others_can_read_theirs(tmp_path: Path, shell: str, script, check: str) -> None:  # type: ignore[no-untyped-def]
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script())
    done = subprocess.run([shell, check, tmp_path / "script"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish(folder: Path) -> None:
    (folder / "script").write_text(fish())
    for line, wanted in (("brainsurgery ses", "sessions"), ("brainsurgery --provider ", "arena"),
                         ("brainsurgery sessions r", "rename"), ("brainsurgery --no-j", "--no-journal")):  # fmt: skip
        program = f"source script; complete -C{shlex.quote(line)}"
        done = subprocess.run(["fish", "-N", "-c", program], capture_output=True, text=True, check=True)
        assert wanted in [each.split("\t")[0] for each in done.stdout.splitlines()], (line, done.stdout)


def test_all_know_all_options_and_subcommands() -> None:
    for script in (bash(), zsh()):
        assert all(name in script for name in FLAGS)
        assert all(f"{command.name})" in script for command in COMMANDS)
    assert all(f"-l {name[2:]}" in fish() for name in FLAGS if name.startswith("--"))
    assert all(f"-a {command.name} " in fish() for command in COMMANDS)
    assert all(name in usage() for name in FLAGS)


def test_the_command(cli: Cli) -> None:
    assert cli("completion", "zsh").ok() == zsh()
    cli("completion", "bsh").fails("did you mean 'bash'?", status=2)
    cli("completion").fails("one of bash, zsh, fish", status=2)
