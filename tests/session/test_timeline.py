"""Time: marks, going to a moment, the journal and the history; and that all of it survives resume."""

from __future__ import annotations

import errno
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from brainsurgery_shell.errors import SurgeryError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.session.journal import new_name
from brainsurgery_shell.session.lines import run_line
from brainsurgery_shell.session.resume import resume
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.session.store import read_entries
from conftest import Cli, Patient

EDITS = (
    "scale_: target: w, by: 2", "delete: v", "copy: from: w, to: v", "move: from: [h, $i], to: [h, '${i+1}']", "rand: target: r, shape: [2]",
    "delete: r", "add_: from: h.1, to: h.2", "prefixes: mode: add, alias: fresh", "prefixes: mode: remove, alias: fresh",
    "copy: from: w, to: 'fresh::w'", "prefixes: mode: use, alias: model", "execute: transforms: ['scale_: target: w, by: 3', 'delete: h.1']",
)  # fmt: skip
MOMENTS = ("a", "b", "a", *map(str, range(9)))
lines = (
    st.sampled_from(EDITS)
    | st.sampled_from(
        ("assert: exists: w", "mark: a", "mark: b", "undo", "redo", "undo: 2", "redo: 2", "dump: w")
    )
    | st.sampled_from(MOMENTS).map("undo: to: {}".format)
    | st.sampled_from(MOMENTS).map("redo: to: {}".format)
)
laws = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def begin(folder: Path, name: str | None = None, *, journal: bool = True) -> Session:
    path = folder / "m.safetensors"
    if not path.exists():
        save_file({"w": torch.ones(2), "v": torch.zeros(2), "h.1": torch.ones(1), "h.2": torch.ones(1)}, path)
    session = Session(Settings(memory=1 << 24, journal=journal), folder=folder, name=name)
    session.open_input("m.safetensors", "model")
    return session


def run(session: Session, line: str) -> str:
    out = io.StringIO()
    run_line(session, line, stdout=out)
    return out.getvalue()


def shape(session: Session) -> object:
    """What an edit may change, but for values."""
    workspace = session.workspace
    tensors = {
        alias: [(name, id(each.tensors[name])) for name in each.names()]
        for alias, each in workspace.checkpoints.items()
    }
    return list(tensors.items()), workspace.chosen


def values(session: Session) -> object:
    workspace = session.workspace
    found = [
        (alias, [(name, session.evaluator.whole(each.tensors[name]).tolist()) for name in each.names()])
        for alias, each in workspace.checkpoints.items()
    ]
    return found, workspace.chosen


@laws
@given(st.lists(lines, min_size=4, max_size=30))
def test_laws(tmp_path: Path, walk: list[str]) -> None:
    """Every moment is as it was; the steps in force make the present anew; resume brings back all of it."""
    session = begin(tmp_path, new_name() + str(time.perf_counter_ns()))
    then = {0: shape(session)}
    for line in walk:
        step(session, line, then)
    replay = begin(tmp_path, journal=False)
    for record in session.timeline.steps:
        if record.mark is None:
            run(replay, print_command(record.command))
    assert values(replay) == values(session)
    replay.close()
    look_back(session, then)
    resumed(session, tmp_path, walk)


def step(session: Session, line: str, then: dict[int, object]) -> None:
    """One step of a walk; ``then`` has what every step led to."""
    before = shape(session)
    steps = len(session.timeline.everything)
    try:
        run(session, line)
    except SurgeryError:
        assert shape(session) == before
        return
    if len(session.timeline.everything) > steps:
        then[session.timeline.everything[-1].number] = shape(session)
    what, _, moment = line.partition(": to: ")
    if moment.isdecimal():
        assert shape(session) == then[int(moment)]
    elif moment:  # a name may have been given several times
        at = [record.number for record in session.timeline.steps if record.mark == moment]
        assert shape(session) in [then[number] for number in (at if what == "redo" else at[-1:])]


def look_back(session: Session, then: dict[int, object]) -> None:
    """The past is there without going to it."""
    present = session.workspace
    now = shape(session)
    for record in session.timeline.everything:
        if not record.undone:
            session.workspace = session.services.workspace_at(record.number)
            assert shape(session) == then[record.number]
            session.workspace = present
    assert shape(session) == now


def resumed(session: Session, folder: Path, walk: list[str]) -> None:
    """A session that is brought back is the same, its past included."""
    now, journal, marks = values(session), session.services.journal(), session.services.marks()
    typed = json.loads(run(session, "history: format: json"))
    session.close()
    again = Session(Settings(memory=1 << 24), folder=folder, name=session.name)
    resume(again, {})
    assert values(again) == now
    assert again.services.marks() == marks
    assert [rounded(step) for step in again.services.journal()] == [rounded(step) for step in journal]
    found = json.loads(run(again, "history: format: json"))[:-1]
    assert [each["line"] for each in found] == walk
    assert [each["drawn"] for each in found] == [each["drawn"] for each in typed]
    run(again, "undo: to: 0")
    first = begin(folder, journal=False)
    assert values(again) == values(first)
    for each in (again, first):
        each.close()


def rounded(step: Any) -> object:
    return (
        step.number,
        step.line,
        step.role,
        step.state,
        step.tensors,
        step.nbytes,
        step.time,
        round(step.seconds, 6),
    )


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Session]:
    session = begin(tmp_path, journal=False)
    yield session
    session.close()


def fails(session: Session, line: str, *words: str) -> None:
    before = shape(session)
    with pytest.raises(SurgeryError) as caught:
        run(session, line)
    assert shape(session) == before
    for word in words:
        assert word in f"{caught.value.message}\n{caught.value.hint}"


def rows(session: Session) -> dict[int, dict[str, Any]]:
    return {row["number"]: row for row in json.loads(run(session, "journal: format: json"))}


def test_going_to_a_moment(box: Session) -> None:
    for line in ("scale_: target: w, by: 2", "mark: one", "delete: v", "assert: exists: w", "delete: h.1"):
        run(box, line)
    assert run(box, "undo: to: one") == "undone: delete: h.1\nundone: delete: v\n"
    assert "nothing to undo" in run(box, "undo: to: 1")
    assert "nothing to redo" in run(box, "redo: to: one")
    fails(box, "undo: to: 4", "step 4 was undone", "redo: to: 4")
    run(box, "redo: to: 4")
    assert box.workspace.checkpoints["model"].names() == ["h.1", "h.2", "w"]
    fails(box, "redo: to: one", "is in force", "undo: to: one")
    run(box, "delete: h.2")
    fails(box, "redo: to: 5", "took its place")
    fails(box, "undo: to: 5", "took its place")
    assert {number: row["state"] for number, row in rows(box).items()} == {
        **dict.fromkeys((1, 2, 3, 4, 6), "in force"), 5: "replaced",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("undo: to: 7", ("no step 7", "2 steps")),
        ("undo: to: on", ("no mark 'on'", "did you mean 'one'?")),
        ("undo: to: elsewhere", ("no mark 'elsewhere'", "marks: one")),
        ("undo: to: -1", ("the number of a step, or the name of a mark",)),
        ("redo: to: 1.5", ("the number of a step",)),
        ("undo: count: 1, to: one", ("count and to",)),
        ("mark: 4", ("numbers are those of steps",)),
        ("mark: 'a b'", ("a name", "letters, digits")),
        ("mark: ''", ("a name",)),
        ("diff: against: nowhere", ("no mark 'nowhere'",)),
        ("diff: against: one, left: w", ("against compares with the past",)),
        ("diff: target: w", ("target belongs to against",)),
        ("execute: transforms: ['mark: two']", ("no place",)),
        ("execute: transforms: ['delete: w', 'diff: against: one']", ("no moments",)),
        ("journal: 0", ("from 1 up",)),
    ],
)
def test_errors(box: Session, line: str, words: tuple[str, ...]) -> None:
    run(box, "scale_: target: w, by: 2")
    run(box, "mark: one")
    fails(box, line, *words)


def test_looking_back_changes_nothing(box: Session) -> None:
    """Not even a checkpoint that is gone, and that undo brings back."""
    for line in (
        "prefixes: mode: add, alias: fresh",
        "copy: from: w, to: 'fresh::w'",
        "prefixes: mode: remove, alias: fresh",
    ):
        run(box, line)
    assert box.services.workspace_at(1).checkpoints["fresh"].names() == []
    run(box, "undo")
    assert box.workspace.checkpoints["fresh"].names() == ["w"]


def test_marks_can_move(box: Session) -> None:
    assert run(box, "mark: m") == "the mark 'm': as the session began\n"
    assert run(box, "mark: m") == "the mark 'm': as the session began\n"
    run(box, "delete: v")
    assert run(box, "mark: m") == "the mark 'm': just after step 3; it was as the session began\n"
    run(box, "delete: w")
    run(box, "undo: to: m")
    assert "v" not in box.workspace.checkpoints["model"].names()
    run(box, "undo")
    assert "v" in box.workspace.checkpoints["model"].names()
    assert "nothing to undo" in run(box, "undo: to: m")  # the former one counts again
    run(box, "redo: to: m")
    assert "v" not in box.workspace.checkpoints["model"].names()
    assert run(box, "mark") == "m  after step 3\n"
    run(box, "undo: to: 0")
    run(box, "mark: other")
    assert json.loads(json.dumps(box.services.marks())) == {"m": [0, True], "other": [0, True]}
    assert "mark" not in run(box, "summarize: all: true")


def test_the_journal_says_what_a_step_touched(box: Session) -> None:
    for line in (
        "copy: from: '[wv]', to: 'c.\\g<0>'",
        "delete: 'c.*'",
        "assert: exists: w",
        "mark: here",
        "move: from: w, to: u",
        "undo",
    ):
        run(box, line)
    found = rows(box)
    assert [(row["tensors"], row["nbytes"]) for row in found.values()] == [
        (2, 16),
        (2, 16),
        (0, 0),
        (0, 0),
        (1, 8),
    ]
    assert [row["undone"] for row in found.values()] == [False] * 4 + [True]
    assert found[4]["mark"] == "here"
    assert all(row["time"].startswith("20") and row["seconds"] >= 0 for row in found.values())
    text = run(box, "journal").splitlines()
    assert "undone" in text[5]
    assert "16 B" in text[1]
    assert "\x1b" not in "\n".join(text)
    assert len(run(box, "journal: 2").splitlines()) == 3


def test_the_journal_has_the_lines_of_a_file(box: Session) -> None:
    run(box, "execute: transforms: ['delete: w', 'execute: transforms: [\"delete: v\"]']")
    assert rows(box)[1]["parts"] == ["delete: w", "delete: v"]
    assert rows(box)[1]["tensors"] == 2


def test_moments_to_choose_from(box: Session) -> None:
    for line in ("delete: v", "mark: one", "delete: w", "mark: two", "delete: h.1", "undo: 2"):
        run(box, line)

    def known(what: str) -> list[str]:
        return [each.text for each in box.known(what)]

    assert known("marks") == ["one", "two"]
    assert known("moments") == ["one", "two", "5", "3", "1"]
    assert known("moments in force") == ["one", "1"]
    assert known("undone moments") == ["two", "5", "3"]
    assert known("weather") == []


def test_undone_steps_are_struck_out_in_colour(box: Session) -> None:
    from brainsurgery_shell.views.page import Page

    run(box, "delete: w")
    run(box, "undo")
    report = box.execute(_command("journal"))
    assert report is not None
    assert "\x1b[9mdelete: w" in "\n".join(report.on(Page(60, colour=True)))
    assert max(map(len, report.on(Page(40)))) <= 40


def _command(text: str) -> Any:
    from brainsurgery_shell.lang.parser import parse_line

    return parse_line(text)


def test_history_has_the_lines_as_they_were_typed(box: Session, tmp_path: Path) -> None:
    (tmp_path / "s.oly").write_text("delete: v\n")
    typed = [
        "delete:   v   # why",
        "undo",
        "source: s.oly",
        "undo",
        "dump: w | cat",
        "!true",
        "journal",
        "history",
    ]
    for line in ("", "# a comment", *typed):
        run(box, line)
    fails(box, "nonsense", "unknown operation")
    fails(box, "delete: [", "expected")
    expected = [*typed, "nonsense", "delete: ["]
    found = run(box, "history").splitlines()
    assert [line.split(maxsplit=1) for line in found] == [
        [str(at), line] for at, line in enumerate(expected, 1)
    ]
    assert run(box, "history: 2").splitlines() == ["10  delete: [", "11  history"]


def test_drawn_seeds_are_comments_in_the_history(patient: Patient) -> None:
    patient.open(w=torch.ones(2)).run("rand: target: r, shape: [2]")
    line = patient.run("history").lines[0]
    assert _command(line.split(maxsplit=1)[1]) == _command("rand: target: r, shape: [2]")
    assert "  # seed: " in line


def test_an_older_journal_has_its_steps_as_history(cli: Cli, folder: Path) -> None:
    """Entries without the fields and kinds that came later."""
    save_file({"w": torch.ones(2), "v": torch.ones(2)}, folder / "m.safetensors")
    commands = [
        word for line in ("delete: v", "dump: w", "undo", "scale_: target: w, by: 2") for word in ("-c", line)
    ]
    cli("m.safetensors", "--session", "old", *commands).ok()
    path = next(Path.home().glob("**/old/journal.jsonl"))
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [
        {key: value for key, value in entry.items() if key not in ("nbytes", "drawn", "mark", "time")}
        for entry in entries
        if entry["kind"] != "line"
    ]
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in kept) + '{"kind": "st')
    history = cli("resume", "old", "-c", "history").ok().splitlines()
    assert [line.split(maxsplit=1)[1] for line in history] == [
        "delete: v",
        "dump: w",
        "undo",
        "scale_: target: w, by: 2",
    ]
    found = json.loads(cli("resume", "old", "-c", "journal: format: json").ok())
    assert [(row["line"], row["state"], row["time"], row["nbytes"]) for row in found] == [
        ("delete: v", "replaced", None, 8), ("dump: w", "replaced", None, 0), ("scale_: target: w, by: 2", "in force", None, 8),
    ]  # fmt: skip


def test_what_a_disk_did_not_take_is_not_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step whose entry may not have come to the disk failed, and is not there when the session is resumed."""
    session = begin(tmp_path, "odd")

    def broken(file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for lines in (["delete: v"], ["delete: w", "undo", "mark: here"]):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)
            fails(session, lines[0], "cannot write the journal")
        for line in lines:
            run(session, line)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        fails(session, "redo", "cannot write the journal")
    names, steps = session.workspace.checkpoints["model"].names(), len(session.timeline.everything)
    session.close()
    again = Session(Settings(memory=1 << 24), folder=tmp_path, name="odd")
    resume(again, {})
    assert again.workspace.checkpoints["model"].names() == names
    assert len(again.timeline.everything) == steps
    assert read_entries("odd")[0]["kind"] == "header"
    again.close()


def test_a_full_disk_leaves_no_half_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps fail while it is full, and are there afterwards; what needs no journal goes on."""
    session = begin(tmp_path, "full")
    run(session, "delete: v")
    write = os.write

    def full(file: int, data: bytes) -> int:
        write(file, bytes(data)[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        fails(session, "delete: w", "cannot write the journal", "No space left")
        run(session, "summarize")
        run(session, "exit")
    run(session, "delete: h.1")
    session.close()
    again = Session(Settings(memory=1 << 24), folder=tmp_path, name="full")
    resume(again, {})
    assert again.workspace.checkpoints["model"].names() == ["h.2", "w"]
    again.close()
