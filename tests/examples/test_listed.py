"""examples/README.md lists every plan, with its steps and a command that runs it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from example_files import EXAMPLES, plans, script

from brainsurgery_shell.session.plan_read import read_plan
from conftest import Cli

README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| [^|]+ \| (\S+\.yaml) \| (\d+) \| `(brainsurgery [^`]+)` \|$", README, re.MULTILINE)
FOLDERS = ("paper", "jobs", "validation", "inference")
QUICK = ("paper", "jobs", "validation")
"""Folders whose inputs need torch alone."""


def test_every_plan_is_listed_once() -> None:
    there = [
        f"{path.parent.name}/{path.name}" for path in EXAMPLES.rglob("*.yaml") if "models" not in path.parts
    ]
    assert sorted(file for file, _, _ in ROWS) == sorted(there)
    assert sorted(there) == sorted(f"{folder}/{name}" for folder in FOLDERS for name in plans(folder))


@pytest.mark.parametrize(("file", "steps", "command"), ROWS)
def test_rows_say_what_is_so(file: str, steps: str, command: str) -> None:
    commands = [command for command, _ in read_plan(EXAMPLES / file, []).commands]
    assert int(steps) == sum(each.name != "assert" for each in commands)
    assert shlex.split(command)[1] == file


def test_commands_run_one_after_the_other(folder: Path, cli: Cli) -> None:
    """In the order of the table, so that what one leaves behind is no obstacle to the next."""
    for name in QUICK:
        shutil.copytree(
            EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("models", "__pycache__")
        )
        script(f"{name}/inputs.py").make(folder / name)
    run = [shlex.split(command)[1:] for file, _, command in ROWS if file.split("/")[0] in QUICK]
    assert len(run) == sum(len(plans(name)) for name in QUICK)
    for words in run:
        cli(*words).ok()


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (EXAMPLES / link).exists(), link
