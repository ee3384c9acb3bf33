"""``save: resume: true`` through the command line: same inputs and steps go on, anything else begins anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from conftest import Cli

CHILD = """
import os, signal, sys
from brainsurgery_shell.cli import main
from brainsurgery_shell.storage.output.finished import Finished
note, noted = Finished.note, []
def kill_after_three(self, path, fsync):
    note(self, path, fsync)
    noted.append(path)
    if len(noted) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
Finished.note = kill_after_three
main(sys.argv[1:])
"""
SAVE = "save: path: out, shard: 4000"
GO_ON = SAVE + ", resume: true"
KEPT = "out: 3 of 5 files were finished, and are kept"
ANEW = "out: there is no killed save of the same to resume"
SCALE = "scale_: target: '.*', by: 3"


def write_inputs(folder: Path, shift: int = 0) -> None:
    tensors = {f"h.{at}.w": torch.arange(1000, dtype=torch.float32) + at + shift for at in range(5)}
    save_file(tensors, folder / "m.safetensors")


def killed(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "--workers", "1", *words], stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == -9
    assert not Path("out").exists()


def lines(*commands: str) -> list[str]:
    return [word for command in commands for word in ("-c", command)]


def content(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_it_goes_on(folder: Path, cli: Cli) -> None:
    write_inputs(folder)
    killed("m.safetensors", *lines(SCALE, SAVE))
    outcome = cli("m.safetensors", *lines(SCALE, GO_ON))
    assert "saved 5 tensors" in outcome.ok()
    assert KEPT in outcome.err
    cli("m.safetensors", *lines(SCALE, SAVE.replace("out", "whole"))).ok()
    assert content("out") == content("whole")
    assert {path.name for path in folder.iterdir()} == {"m.safetensors", "out", "whole"}


def test_a_plan_goes_on(folder: Path, cli: Cli) -> None:
    write_inputs(folder)
    plan = "inputs: [m.safetensors]\ntransforms: [\"scale_: target: '.*', by: 3\"]\n"
    (folder / "p.yaml").write_text(plan + "output: { path: out, shard: 4000 }\n")
    killed("p.yaml")
    assert KEPT in cli("p.yaml", "output.resume=true").err
    assert len(content("out")) == 6


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SCALE, "scale_: target: '.*', by: 2"),
        (SCALE, "scale_: target: 'h.[0-3].w', by: 3"),
        ("rand: target: r, shape: [1000]", "rand: target: r, shape: [1000]"),  # other seeds are drawn
        (f"{SCALE}\n{SCALE}\nundo", f"{SCALE}\n{SCALE}"),
    ],
    ids=["argument", "tensors", "seed", "undone"],
)
def test_other_steps_begin_anew(folder: Path, cli: Cli, before: str, after: str) -> None:
    write_inputs(folder)
    killed("m.safetensors", *lines(*before.split("\n"), SAVE))
    outcome = cli("m.safetensors", *lines(*after.split("\n"), GO_ON))
    outcome.ok()
    assert ANEW in outcome.err
    cli("m.safetensors", *lines(*after.split("\n"), SAVE.replace("out", "whole"))).ok()
    if "rand" not in after:
        assert content("out") == content("whole")


def test_the_same_steps_by_another_way_go_on(folder: Path, cli: Cli) -> None:
    write_inputs(folder)
    killed("m.safetensors", *lines("rand: target: r, shape: [500], seed: 1", SCALE, SCALE, "undo", SAVE))
    outcome = cli("m.safetensors", *lines("rand: target: r, shape: [500], seed: 1", SCALE, GO_ON))
    assert "3 of 6 files were finished" in outcome.err


def test_other_inputs_begin_anew(folder: Path, cli: Cli) -> None:
    write_inputs(folder)
    killed("m.safetensors", *lines(SCALE, SAVE))
    facts = os.stat("m.safetensors")  # noqa: PTH116
    write_inputs(folder, shift=1)  # the header is the same
    os.utime("m.safetensors", ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    outcome = cli("m.safetensors", *lines(SCALE, GO_ON))
    assert ANEW in outcome.err
    cli("m.safetensors", *lines(SCALE, SAVE.replace("out", "whole"))).ok()
    assert content("out") == content("whole")


def test_a_users_own_operation_may_have_changed(folder: Path) -> None:
    """So nothing is noted for a later save, and the child that ends at the third note ends by itself."""
    write_inputs(folder)
    (folder / "ops").mkdir()
    (folder / "ops" / "mine.py").write_text(
        "from brainsurgery_shell.declaration.operation import operation\n"
        "from brainsurgery_shell.workspace.edit import Edit\n"
        "@operation('mine')\n"
        "def mine(context):\n"
        "    'Nothing much.'\n"
        "    return Edit()\n"
    )
    words = ["--workers", "1", "--ops-dir", "ops", "m.safetensors", *lines("mine", SAVE)]
    done = subprocess.run([sys.executable, "-c", CHILD, *words], stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0
    assert len(content("out")) == 6


def test_nothing_to_go_on_from(folder: Path, cli: Cli) -> None:
    write_inputs(folder)
    assert ANEW in cli("m.safetensors", "-c", GO_ON).err
    single = cli("m.safetensors", "-c", "save: path: one.safetensors, resume: true")
    single.ok()
    assert "one.safetensors: there is no killed save" in single.err
