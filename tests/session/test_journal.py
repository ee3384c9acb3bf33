"""The journal: every reported step survives ``kill -9``; resume brings a session back with its history."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.session.journal import Journal
from brainsurgery_shell.session.resume import resume
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.session.store import read_entries
from conftest import Cli

BINARY = [sys.executable, "-c", "from brainsurgery_shell.cli import main; raise SystemExit(main())"]


@pytest.fixture(autouse=True)
def model(folder: Path) -> Path:
    path = folder / "m.safetensors"
    save_file({f"t{i}": torch.full((3,), float(i)) for i in range(8)}, path)
    return path


def journal(name: str) -> Path:
    return Path(os.environ["XDG_STATE_HOME"]) / "brainsurgery" / "sessions" / name / "journal.jsonl"


def dumped(cli: Cli, name: str) -> list[dict[str, object]]:
    found = json.loads(cli("resume", name, "-c", "dump: format: json, verbosity: full").ok())
    assert isinstance(found, list)
    return found


def test_kill_at_random_moments(cli: Cli) -> None:
    """A line is answered only when its step is on the disk."""
    chance = random.Random(3)
    for trial in range(4):
        name = f"s{trial}"
        process = subprocess.Popen(
            [*BINARY, "m.safetensors", "--session", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        lines = [f"copy: from: t0, to: n{i}\ndump: target: n{i}, format: compact\n" for i in range(200)]
        process.stdin.write("".join(lines))
        process.stdin.flush()
        wanted = chance.randint(1, 60)
        answered = [process.stdout.readline() for _ in range(wanted)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        names = {row["name"] for row in dumped(cli, name)}
        assert len(answered) == wanted
        assert {f"n{i}" for i in range(wanted)} <= names
        steps = sum(str(each).startswith("n") for each in names)
        cli("resume", name, "-c", f"undo: {steps}").ok()
        assert {row["name"] for row in dumped(cli, name)} == {f"t{i}" for i in range(8)}


def test_resume_has_undo_history_and_redo(cli: Cli) -> None:
    lines = ["scale_: target: t1, by: 2", "delete: t2", "rand: target: r, shape: [3]", "undo", "undo"]
    cli("m.safetensors", "--session", "a", stdin="\n".join(lines)).ok()
    cli("resume", "a", "-c", "redo").ok()
    assert "t2" not in {row["name"] for row in dumped(cli, "a")}
    cli("resume", "a", "-c", "redo").ok()
    first = {row["name"]: row["values"] for row in dumped(cli, "a")}
    assert {row["name"]: row["values"] for row in dumped(cli, "a")} == first
    history = cli("resume", "a", "-c", "history").ok()
    assert "scale_: target: t1, by: 2" in history
    cli("resume", "a", "-c", "undo: 3").ok()
    cli("resume", "a", "-c", "assert: equal: { left: t1, right: t1 }", "-c", "save: o.safetensors").ok()
    assert Path("o.safetensors").read_bytes()
    assert torch.equal(load_file("o.safetensors")["t1"], torch.ones(3))


def test_a_torn_last_line_is_left_out(cli: Cli) -> None:
    cli("m.safetensors", "--session", "a", stdin="delete: t1\ndelete: t2\n").ok()
    whole = b"".join(
        line for line in journal("a").read_bytes().splitlines(keepends=True) if b'"end"' not in line
    )
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in (last + 1, len(whole) - 30, len(whole) - 1):
        journal("a").write_bytes(whole[:cut])
        names = {row["name"] for row in dumped(cli, "a")}
        assert "t1" not in names
        assert "t2" in names
    cli("resume", "a", "-c", "delete: t3").ok()
    assert "t3" not in {row["name"] for row in dumped(cli, "a")}


def test_damage_is_named(cli: Cli) -> None:
    cli("m.safetensors", "--session", "a", stdin="delete: t1\n").ok()
    data = journal("a").read_bytes()
    for damage in (data.replace(b'"kind":"step"', b'"kind":step', 1), b"null\n" + data, data + b"\xff\xfe\n"):
        journal("a").write_bytes(damage)
        done = cli("resume", "a")
        assert done.status in (1, 2)
        assert "journal" in done.err


def test_two_shells_are_told_apart(cli: Cli) -> None:
    process = subprocess.Popen(
        [*BINARY, "m.safetensors", "--session", "a"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("dump: format: compact\n")
    process.stdin.flush()
    process.stdout.readline()
    cli("resume", "a").fails("open in another process")
    cli("m.safetensors", "--session", "a").fails("a", status=2)
    assert "running" in cli("sessions").ok()
    process.communicate("exit\n", timeout=20)
    cli("resume", "a", "-c", "dump").ok()
    assert "running" not in cli("sessions").ok()


def test_two_shells_that_chose_one_name(folder: Path) -> None:
    """The first to do something has it: steps of two never stand in one journal."""
    first, second = (Session(Settings(memory=1 << 24), name="both", folder=folder) for _ in range(2))
    first.open_input("m.safetensors", "model")
    first.close()
    with pytest.raises(StorageError, match="another process began a session 'both'"):
        second.open_input("m.safetensors", "model")
    second.close()
    assert len(read_entries("both")) == 2


def test_what_the_last_shell_did_in_the_meantime_is_resumed(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the journal is locked nobody adds to it; until then, another shell may."""
    cli("m.safetensors", "--session", "a", "-c", "delete: t1").ok()

    def late(name: str, *, resumed: bool) -> Journal:
        with journal(name).open("a") as file:
            file.write('{"kind":"undo","count":1}\n')
        return Journal(name, resumed=resumed)

    monkeypatch.setattr("brainsurgery_shell.session.resume.Journal", late)
    session = Session(Settings(memory=1 << 24), name="a", folder=folder)
    resume(session)
    session.close()
    assert not session.timeline.steps


def test_a_folder_whose_name_is_no_text(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = folder / os.fsdecode(b"no\xfftext")
    odd.mkdir()
    shutil.copy("m.safetensors", odd)
    monkeypatch.chdir(odd)
    cli("m.safetensors", "--session", "odd", "-c", "delete: t1").ok()
    assert "delete: t1" in cli("resume", "odd", "-c", "summarize").ok()
    assert "delete: t1" in cli("sessions", "export", "odd").ok()


def test_no_name_is_not_the_last(cli: Cli) -> None:
    cli("m.safetensors", "--session", "a", "-c", "delete: t1").ok()
    cli("resume", "").fails("there is no session ''", status=2)


def test_sessions_are_listed_the_latest_first(cli: Cli) -> None:
    cli("m.safetensors", "--session", "one", "-c", "delete: t1").ok()
    cli("m.safetensors", "--session", "two", "-c", "delete: t1", "-c", "delete: t2").ok()
    cli("m.safetensors", "--no-journal", "-c", "delete: t1").ok()
    cli("m.safetensors", "--dry-run", "-c", "delete: t1").ok()
    lines = cli("sessions").ok().splitlines()
    assert len(lines) == 2
    assert "two" in lines[0]
    assert "m.safetensors" in lines[0]
    assert "2 steps" in lines[0]
    assert "one" in lines[1]
    cli("resume", "-c", "undo: 2").ok()


def test_an_input_that_changed_is_named(cli: Cli, model: Path) -> None:
    for name in ("a", "b"):
        cli("m.safetensors", "--session", name, "-c", "delete: t1").ok()
    save_file({"x": torch.ones(2)}, model)
    cli("resume", "a").fails("m.safetensors")
    model.unlink()
    cli("resume", "b").fails("m.safetensors")


@pytest.mark.parametrize("kind", ["file", "folder", "shards", "link", "download cache"])
def test_saving_over_the_source(cli: Cli, model: Path, kind: str) -> None:
    """What was there stays readable for undo, now and after resume."""
    source = "m.safetensors"
    if kind == "folder":
        Path("m").mkdir()
        shutil.move(source, "m/model.safetensors")
        Path("m/config.json").write_text("{}")
        source = "m"
    elif kind == "shards":
        cli(source, "--shard-size", "40", "-c", "save: m").ok()
        source = "m"
    elif kind == "link":
        shutil.move(source, "real.safetensors")
        Path(source).symlink_to("real.safetensors")
    elif kind == "download cache":
        Path("blobs").mkdir()
        shutil.move(source, "blobs/1")
        Path("m").mkdir()
        Path("m/model.safetensors").symlink_to("../blobs/1")
        source = "m"
    lines = [
        "scale_: target: t1, by: 2", f"save: path: {source}, overwrite: true", "delete: t2",
        f"save: path: {source}, overwrite: true", "undo: 2", "dump: target: t1, format: json, verbosity: full",
    ]  # fmt: skip
    done = cli(source, "--session", "a", stdin="\n".join(lines))
    assert '"t1"' in done.ok()
    assert done.err == ""
    values = {str(row["name"]): row["values"] for row in dumped(cli, "a")}
    assert values["t1"] == [1, 1, 1]
    assert values["t2"] == [2, 2, 2]
    assert len(list((journal("a").parent / "kept").iterdir())) == 1
    cli("resume", "a", "-c", "redo: 2", "-c", "save: again.safetensors").ok()
    assert torch.equal(load_file("again.safetensors")["t1"], torch.full((3,), 2.0))
    written = {}
    for path in Path("m").glob("*.safetensors") if source == "m" else [Path(source)]:
        written |= load_file(path)
    assert "t2" not in written
    assert torch.equal(written["t1"], torch.full((3,), 2.0))


def test_saving_over_a_tensor_that_has_its_name_from_the_file(cli: Cli) -> None:
    torch.save(torch.ones(3), "w.pt")
    cli("w.pt", "--session", "a", "--overwrite", "-c", "scale_: target: w, by: 2", "-c", "save: w.pt").ok()
    assert [row["name"] for row in dumped(cli, "a")] == ["w"]
    assert torch.equal(torch.load("w.pt", weights_only=True)["w"], torch.full((3,), 2.0))


@pytest.mark.parametrize("kind", ["index", "metadata", "subfolder"])
def test_saving_over_a_source_that_was_opened_by_its_index(cli: Cli, model: Path, kind: str) -> None:
    if kind == "metadata":
        cli(model, "-c", "save: path: m, format: dcp").ok()
        source = "m/.metadata"
    else:
        cli(model, "--shard-size", "40", "-c", "save: m").ok()
        source = "m/model.safetensors.index.json"
    if kind == "subfolder":
        Path("m/sub").mkdir()
        index = Path(source)
        name = "model-00001-of-00003.safetensors"
        shutil.move(f"m/{name}", f"m/sub/{name}")
        index.write_text(index.read_text().replace(name, f"sub/{name}"))
        source = "m"
    layout = "format: dcp, " if kind == "metadata" else ""
    cli(
        source,
        "--session",
        "a",
        "-c",
        "scale_: target: t1, by: 2",
        "-c",
        f"save: path: m, {layout}overwrite: true",
    ).ok()
    cli("resume", "a", "-c", "undo").ok()
    values = {str(row["name"]): row["values"] for row in dumped(cli, "a")}
    assert values["t1"] == [1, 1, 1]


def test_resume_from_another_folder(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"one": torch.ones(1)}, "one.safetensors")
    cli("m.safetensors", "--session", "a", "-c", "load: path: one.safetensors, alias: b").ok()
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert {row["alias"] for row in dumped(cli, "a")} == {"model", "b"}
    cli("resume", "a", "-c", "save: path: o.safetensors, alias: b", "-c", "summarize > p.yaml").ok()
    assert (folder / "elsewhere" / "o.safetensors").exists()
    (folder / "elsewhere" / "o.safetensors").unlink()
    cli("p.yaml").ok()
    assert (folder / "elsewhere" / "o.safetensors").exists()


def test_session_names(cli: Cli) -> None:
    for name in ("../x", "a b", "", "."):
        done = cli("m.safetensors", "--session", name, "-c", "dump > /dev/null")
        assert done.status == 2, name
    done = cli("resume", "../../x")
    assert done.status == 2
    cli("m.safetensors", "--session", "alpha", "-c", "delete: t1").ok()
    cli("resume", "alpah").fails("alpha", status=2)
