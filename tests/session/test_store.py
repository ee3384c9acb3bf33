"""Sessions on disk: listed with what matters of them, renamed, deleted, exported; the last unsaved one found."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.session.lines import run_line
from brainsurgery_shell.session.resume import resume
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import SaveDefaults, Settings
from brainsurgery_shell.session.store import journal_path, left_unsaved, read_entries
from brainsurgery_shell.session.story import Story
from conftest import Cli

BINARY = [sys.executable, "-c", "from brainsurgery_shell.cli import main; raise SystemExit(main())"]


@pytest.fixture(autouse=True)
def model(folder: Path) -> Path:
    path = folder / "m.safetensors"
    save_file({"a": torch.arange(4.0), "b": torch.ones(2)}, path)
    return path


def listed(cli: Cli) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in json.loads(cli("sessions", "--json").ok())}


def held(name: str) -> subprocess.Popen[str]:
    """A process that has the session open."""
    process = subprocess.Popen(
        [*BINARY, "m.safetensors", "--session", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("delete: a\ndump: format: compact\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith("model::b")
    return process


def test_what_is_listed(cli: Cli) -> None:
    cli("m.safetensors", "--session", "saved", "-c", "delete: a", "-c", "save: o.safetensors").ok()
    cli("x::m.safetensors", "--session", "left", "-c", "delete: a", "-c", "undo", "-c", "delete: b").ok()
    process = held("open")
    found = listed(cli)
    assert {name: (each["state"], each["steps"], each["unsaved"]) for name, each in found.items()} == {
        "open": ("running", 2, ["model"]),
        "left": ("ended", 1, ["x"]),
        "saved": ("ended", 2, []),
    }
    assert list(found) == ["open", "left", "saved"]
    assert found["left"]["inputs"] == [{"alias": "x", "path": "m.safetensors"}]
    assert abs(time.time() - time.mktime(time.strptime(str(found["left"]["modified"])[:19], "%Y-%m-%dT%H:%M:%S"))) < 60  # fmt: skip
    process.kill()
    process.communicate()
    assert listed(cli)["open"]["state"] == "killed"
    rows = cli("sessions").ok().splitlines()
    assert "killed, unsaved  2 steps  m.safetensors" in rows[0]
    assert "ended, unsaved   1 step   x::m.safetensors" in rows[1]
    assert cli("sessions", "--names").ok().splitlines() == ["open", "left", "saved"]


def test_a_session_in_which_nothing_was_done_is_none(cli: Cli) -> None:
    cli("m.safetensors", "-c", "summarize").ok()
    cli("m.safetensors", "-c", "dump", "-c", "help").ok()
    assert cli("sessions").ok() == ""
    cli("m.safetensors", "--session", "named", "-c", "summarize").ok()
    assert listed(cli)["named"]["state"] == "ended"
    cli("resume", "named", "-c", "delete: a").ok()
    cli("resume", "named", "-c", "summarize").ok()
    assert listed(cli)["named"]["steps"] == 1


def test_rename(cli: Cli) -> None:
    cli("m.safetensors", "--session", "one", "-c", "delete: a", "-c", "save: path: m.safetensors, overwrite: true").ok()  # fmt: skip
    cli("m.safetensors", "--session", "two", "-c", "delete: b").ok()
    cli("sessions", "rename", "oen", "x").fails("did you mean 'one'", status=2)
    cli("sessions", "rename", "one", "two").fails("exists already", status=2)
    cli("sessions", "rename", "one", "../x").fails("no session name", status=2)
    cli("sessions", "rename", "one", "three").ok()
    assert set(listed(cli)) == {"two", "three"}
    cli("resume", "three", "-c", "undo", "-c", "assert: exists: a").ok()  # what it kept is found again
    cli("resume", "one").fails("there is no session 'one'", status=2)


def test_delete(cli: Cli) -> None:
    for name in ("one", "two", "three"):
        cli("m.safetensors", "--session", name, "-c", "delete: a").ok()
    cli("sessions", "delete", "one", "twoo").fails("did you mean 'two'", status=2)
    process = held("open")
    cli("sessions", "delete", "one", "open").fails("'open' is open")
    cli("sessions", "rename", "open", "x").fails("'open' is open")
    assert set(listed(cli)) == {"one", "two", "three", "open"}
    process.communicate("exit\n")
    cli("sessions", "delete", "one", "open", "one").ok()
    assert set(listed(cli)) == {"two", "three"}
    assert not journal_path("one").parent.exists()
    for odd in ("..", "", "a/b", "/"):
        cli("sessions", "delete", odd).fails("there is no session", status=2)


def test_unknown_words(cli: Cli) -> None:
    cli("sessions", "remove").fails("did you mean 'rename'", status=2)
    cli("sessions", "--jsn").fails("did you mean '--json'", status=2)
    cli("sessions", "rename", "a").fails("OLD NEW", status=2)
    cli("sessions", "export").fails("NAME [FILE]", status=2)


def test_export(cli: Cli, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan, or a script, that gives the same elsewhere; the inputs need not be there to have it."""
    lines = ["scale_: target: a, by: 3", "rand: target: r, shape: [2]", "delete: b", "undo", "dump",
             "save: o.safetensors"]  # fmt: skip
    Path("p.oly").write_text("scale_: target: a, by: 2\n")
    cli("m.safetensors", "--session", "s", "-c", "execute: p.oly", stdin="").ok()
    cli("resume", "s", stdin="\n".join(lines)).ok()
    expected = load_file("o.safetensors")
    assert torch.equal(expected["a"], torch.arange(4.0) * 6)
    original = model.read_bytes()
    model.unlink()
    Path("p.oly").unlink()
    Path("plans").mkdir()
    assert "'model::m.safetensors'" in cli("sessions", "export", "s").ok()
    assert cli("sessions", "export", "s", "plans/p.yaml").ok() == ""
    cli("sessions", "export", "s", "plans/p.oly").ok()
    cli("sessions", "export", "s", "j.jsonl").ok()
    assert Path("j.jsonl").read_bytes() == journal_path("s").read_bytes()
    model.write_bytes(original)
    monkeypatch.chdir("plans")  # where a script's paths start
    for plan in ("p.yaml", "p.oly"):
        (folder / "o.safetensors").unlink()
        cli(plan).ok()
        written = load_file(folder / "o.safetensors")
        assert written.keys() == expected.keys()
        assert all(torch.equal(written[name], expected[name]) for name in expected)
    cli("sessions", "export", "nope").fails("there is no session", status=2)
    cli("sessions", "export", "s", "no/such/p.yaml").fails("cannot write 'no/such/p.yaml'")
    with journal_path("s").open("ab") as file:
        file.write("é".encode()[:1])  # killed in the middle of a letter
    cli("sessions", "export", "s", "torn.jsonl").ok()
    assert Path("torn.jsonl").read_bytes() == journal_path("s").read_bytes()


MOVES = st.sampled_from(
    [
        "copy: from: 'x::a', to: 'x::n{}'", "scale_: target: 'y::.*', by: 2", "copy: from: 'x::a', to: 'y::n{}'",
        "save: path: ox{}.safetensors, alias: x", "save: path: oy{}.safetensors, alias: y",
        "save: path: one{}.safetensors, target: 'x::a'", "undo", "undo: 2", "redo", "execute: file.oly",
        "assert: exists: 'x::a'", "prefixes: mode: rename, from: y, to: z", "scale_: target: 'z::.*', by: 2",
        "prefixes: mode: rename, from: z, to: y", "prefixes: mode: remove, alias: x", "prefixes: mode: add, alias: n{}",
        "load: path: x.safetensors, alias: x", "execute: file2.oly",
        "save: path: oz{}.safetensors, alias: z",
    ]
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(moves=st.lists(MOVES, max_size=7))
def test_the_journal_alone_tells_what_is_unsaved(moves: list[str]) -> None:
    """What is listed is what the session itself knows: at its end, and when it is resumed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for alias in "xy":
            save_file({"a": torch.ones(2)}, folder / f"{alias}.safetensors")
        (folder / "file.oly").write_text(
            "scale_: target: 'x::a', by: 2\nsave: path: e.safetensors, alias: x, overwrite: true\n"
            "scale_: target: 'y::a', by: 2\n"
        )
        (folder / "file2.oly").write_text(
            "load: path: x.safetensors, alias: k\nscale_: target: 'k::a', by: 2\n"
            "prefixes: mode: rename, from: k, to: m\n"
        )
        name = f"law{os.urandom(4).hex()}"
        session = Session(Settings(memory=1 << 24, saves=SaveDefaults(None)), name=name, folder=folder)
        session.open_input("x.safetensors", "x")
        session.open_input("y.safetensors", "y")
        for number, move in enumerate(moves):
            try:
                run_line(session, move.format(number), stdout=io.StringIO())
            except SurgeryError:
                continue
        session.close()
        story = Story.of(read_entries(name))
        assert story.unsaved == session.unsaved_aliases
        assert session.unsaved_aliases <= session.workspace.checkpoints.keys()
        assert len(story.steps) == len(session.timeline.steps)
        again = Session(Settings(memory=1 << 24), name=name, folder=folder)
        resume(again)
        again.close()
        assert again.unsaved_aliases == session.unsaved_aliases


def test_checkpoints_that_are_renamed_or_removed(cli: Cli) -> None:
    """Their unsaved edits go with them."""
    rename, edit = "prefixes: mode: rename, from: model, to: z", "scale_: target: a, by: 2"
    assert "'z'" in cli("m.safetensors", "-c", edit, "-c", rename).err
    assert "not saved" not in cli("m.safetensors", "-c", edit, "-c", rename, "-c", "save: o1").err
    assert (
        "not saved" not in cli("m.safetensors", "-c", edit, "-c", "prefixes: mode: remove, alias: model").err
    )
    assert "not saved" not in cli("m.safetensors", "-c", rename, "-c", "undo", "-c", "redo").err
    assert [each["unsaved"] for each in listed(cli).values()] == [[], [], [], ["z"]]


def test_the_last_unsaved_session_is_found(cli: Cli, model: Path, folder: Path) -> None:
    def found(*paths: Path) -> str | None:
        left = left_unsaved(paths, folder)
        return left and left.name

    assert found(model) is None
    cli("m.safetensors", "--session", "left", "-c", "delete: a").ok()
    assert found(model) == "left"
    assert found() == "left"  # it began in this folder
    assert found(folder / "other.safetensors") is None
    assert found(model, folder / "other.safetensors") is None
    cli("m.safetensors", "--session", "looked", "-c", "dump").ok()
    assert found(model) == "left"
    process = held("open")
    assert found(model) == "left"
    process.kill()
    process.communicate()
    assert found(model) == "open"
    cli("resume", "open", "-c", "save: o.safetensors").ok()
    assert found(model) is None  # the last work on it was saved
    cli("x::m.safetensors", "y::o.safetensors", "--session", "two", "-c", "delete: 'x::a'").ok()
    assert found(folder / "o.safetensors", model) == "two"
    assert found(model) is None


def write_journals(count: int, steps: int) -> None:
    """Sessions of other builds and other folders, with edits that were saved, but for the oldest."""
    base = journal_path("x").parent.parent
    for number in range(count):
        place = base / f"s{number}"
        place.mkdir(parents=True)
        entries: list[dict[str, object]] = [
            {"kind": "header", "session": place.name, "folder": "/here"},
            {"kind": "input", "alias": "model", "shown": "m", "path": f"/here/{number % 2 or 'm'}", "folder": "/here"},
        ]  # fmt: skip
        role = "inspect" if number else "edit"
        entries += [{"kind": "step", "role": role, "line": "dump: 'model.*'", "aliases": ["model"]}] * steps
        lines = (json.dumps(each, separators=(",", ":")) + "\n" for each in entries)
        (place / "journal.jsonl").write_text("".join(lines))
        os.utime(place / "journal.jsonl", (10**9 + number,) * 2)


def test_it_is_found_among_many() -> None:
    write_journals(200, 50)
    left = left_unsaved([Path("/here/m")], Path("/here"))
    assert left is not None
    assert left.name == "s0"


def test_journals_that_are_none(cli: Cli, model: Path, folder: Path) -> None:
    """Whatever lies there does not keep a shell from starting, nor the others from being listed."""
    cli("m.safetensors", "--session", "good", "-c", "delete: a").ok()
    base = journal_path("x").parent.parent
    for number, text in enumerate(("", "null\n", "[]\n", "{}\n", "nonsense", '{"kind":"step"}\n', "\xff\n")):
        (base / f"odd{number}").mkdir()
        (base / f"odd{number}" / "journal.jsonl").write_bytes(text.encode("latin-1"))
    (base / "empty").mkdir()
    (base / "file").write_text("")
    assert "good" in listed(cli)
    left = left_unsaved([model], folder)
    assert left is not None
    assert left.name == "good"
