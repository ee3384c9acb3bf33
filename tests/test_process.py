"""The command as a process of its own: signals, readers that leave, kills, and going on afterwards."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli

BINARY = [sys.executable, "-c", "from brainsurgery_shell.cli import main; raise SystemExit(main())"]
SHELL = f"{sys.executable} -c '{BINARY[2]}'"


@pytest.fixture(autouse=True)
def model(folder: Path) -> Path:
    path = folder / "m.safetensors"
    save_file({"a": torch.arange(4.0), "b": torch.ones(2)}, path)
    return path


def started(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*BINARY, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def edited(session: str) -> subprocess.Popen[str]:
    """One that has made an edit, and waits for more."""
    process = started("m.safetensors", "--session", session)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("delete: a\ndump: format: compact\n")
    process.stdin.flush()
    process.stdout.readline()
    return process


def sessions(cli: Cli) -> dict[str, tuple[str, int, bool]]:
    found = json.loads(cli("sessions", "--json").ok())
    return {each["name"]: (each["state"], each["steps"], bool(each["unsaved"])) for each in found}


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_asks_for_little_takes_little(word: str) -> None:
    """Less than 80 ms of a processor, Python's own start included."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*BINARY, word], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.08


def test_lines_on_standard_input() -> None:
    lines = "scale_: target: a, by: 2\n\n# nothing\r\nsave: o.safetensors\nexit\nnot read\n"
    done = subprocess.run(
        [*BINARY, "m.safetensors"], input=lines, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("saved 2 tensors")
    assert torch.equal(load_file("o.safetensors")["a"], torch.arange(4.0) * 2)


def test_results_alone_are_results() -> None:
    """What is told besides goes to standard error: also what nobody would miss."""
    words = [
        "m.safetensors",
        "--log-level",
        "info",
        "-c",
        "scale_: target: a, by: 2",
        "-c",
        "dump: format: json",
    ]
    done = subprocess.run([*BINARY, *words], capture_output=True, text=True, check=True)
    assert [each["name"] for each in json.loads(done.stdout)] == ["a", "b"]
    assert "were not saved" in done.stderr


def test_a_reader_that_wants_one_line(folder: Path) -> None:
    """``| head -1``: no traceback, no complaint, and the first line."""
    save_file({f"layer.{number}.w": torch.ones(1) for number in range(20_000)}, "big.safetensors")
    command = f"{SHELL} big.safetensors -c 'dump: format: compact' | head -1; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}  # unbuffered, Python does not notice
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("model::layer.0.w")
    assert done.stdout.count("\n") == 1
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_in_a_step_leaves_what_was_before(cli: Cli) -> None:
    """The step that runs is given up, with status 130; those before it are kept."""
    save_file({"w": torch.randn(2600, 2600)}, "big.safetensors")
    process = started(
        "big.safetensors", "--session", "s", "-c", "copy: from: w, to: v", "-c", "!echo now",
        "-c", "phlora: target: w, target_a: left, target_b: right, energy: 0.9999",
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    time.sleep(0.3)
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert time.monotonic() - interrupted < 5
    assert process.returncode == 130
    assert error == "interrupted\n"
    assert sessions(cli)["s"] == ("ended", 1, True)
    cli("resume", "s", "-c", "assert: exists: v", "-c", "assert: exists: w").ok()


def slow_save(name: str) -> subprocess.Popen[str]:
    """A save of several shards into ``out``, in a session that has done something before."""
    lines = "scale_: target: '.*', by: 2\nsave: path: out, shard: 16MB\n"
    process = started("big.safetensors", "--session", name, "--workers", "1")
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.flush()
    return process


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
def test_a_kill_in_a_save(cli: Cli, folder: Path, delay: float) -> None:
    """No output, or a whole one; what was done goes on in the resumed session, and gives what it would have."""
    save_file(
        {f"w{number}": torch.full((1 << 20,), float(number)) for number in range(24)}, "big.safetensors"
    )
    process = slow_save("s")
    deadline = time.monotonic() + 20
    while not list(folder.glob(".out*")) and not (folder / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(delay)
    process.kill()
    process.communicate()
    if (folder / "out").exists():
        assert (folder / "out" / "model.safetensors.index.json").exists()
    assert sessions(cli)["s"][0] == "killed"
    done = cli("resume", "s", "--overwrite", "-c", "save: path: out, shard: 16MB, resume: true")
    done.ok()
    index = json.loads((folder / "out" / "model.safetensors.index.json").read_text())
    written: dict[str, torch.Tensor] = {}
    for shard in set(index["weight_map"].values()):
        written |= load_file(folder / "out" / shard)
    assert all(torch.equal(written[f"w{n}"], torch.full((1 << 20,), 2.0 * n)) for n in range(24))
    assert not list(folder.glob(".out*"))
    state, _, unsaved = sessions(cli)["s"]
    assert (state, unsaved) == ("ended", False)


def test_a_terminal_that_closes(cli: Cli) -> None:
    """Its session counts as killed: nobody was asked."""
    process = edited("s")
    process.send_signal(signal.SIGHUP)
    process.communicate()
    assert sessions(cli)["s"] == ("killed", 2, True)


def terminal(*arguments: str) -> pexpect.spawn:
    command = f"from brainsurgery_shell.cli import main; raise SystemExit(main({list(arguments)!r}))"
    return pexpect.spawn(
        sys.executable, ["-c", command], env={**os.environ, "TERM": "dumb"}, encoding="utf-8", timeout=20
    )


def test_what_was_left_unsaved_is_offered_at_the_next_start(cli: Cli) -> None:
    """On a terminal alone; once it is saved, or other work was done, no more."""
    killed = edited("lost")
    killed.kill()
    killed.communicate()
    assert "lost" not in cli("m.safetensors", stdin="dump\n").err
    assert cli("m.safetensors", "-c", "dump").err == ""
    for words, offered in (
        (["m.safetensors"], True),
        ([], True),
        (["x::m.safetensors"], True),
        (["big"], False),
    ):
        if words == ["big"]:
            save_file({"a": torch.ones(1)}, "big.safetensors")
            words = ["big.safetensors"]
        shell = terminal(*words)
        shell.expect("> ")
        said = shell.before or ""
        assert ("killed just now with unsaved edits: brainsurgery resume lost" in said) is offered, (
            words,
            said,
        )
        shell.sendline("exit")
        shell.expect(pexpect.EOF)
    cli("resume", "lost", "-c", "save: o.safetensors").ok()
    shell = terminal("m.safetensors")
    shell.expect("> ")
    assert "unsaved" not in (shell.before or "")
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
