"""``edit``: the last steps in the user's editor, run as one step; files; editors that fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from brainsurgery_shell.session.editor import edit_text
from conftest import Cli, Patient


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient: Patient) -> Patient:
    """A checkpoint of three tensors; the editor is ``sh -c $SCRIPT``, with the file as ``$0``."""
    monkeypatch.delenv("VISUAL", raising=False)
    return patient.open(a=torch.ones(2), b=torch.ones(2), c=torch.ones(2))


def editor(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setenv("EDITOR", f"sh -c '{script}'")


def test_the_last_step_is_run_as_edited(edited: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    edited.run("delete: a")
    editor(monkeypatch, "sed -i s/a$/b/ $0")
    edited.run("edit")
    assert edited.names() == ["c"]
    edited.run("undo")
    assert edited.names() == ["b", "c"]


def test_only_line_breaks_end_an_edited_line(edited: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    edited.run("move: from: a, to: 'x\u2028y'")
    editor(monkeypatch, "sed -i 's/from: a/from: b/; s/y/z/' $0".replace("'", '"'))
    edited.run("edit")
    assert set(edited.names()) == {"c", "x\u2028y", "x\u2028z"}


def test_several_steps_are_one_and_undone_ones_are_offered(
    edited: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited.run("delete: a", "delete: b", "undo: 2")
    editor(monkeypatch, "sed -i s/b$/c/ $0")
    edited.run("edit: count: 2")
    assert edited.names() == ["b"]
    edited.run("undo")
    assert edited.names() == ["a", "b", "c"]


@pytest.mark.parametrize("script", ["true", ": > $0", "rm $0", "echo > $0", 'echo "# x" > $0'])
def test_nothing_runs_if_the_file_is_empty_or_unchanged(
    edited: Patient, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    edited.run("delete: a")
    editor(monkeypatch, script)
    assert edited.run("edit").lines[0].startswith("nothing was run: ")
    assert edited.names() == ["b", "c"]
    assert len(edited.session.timeline.steps) == 1


def test_what_failed_changed_nothing_and_is_there_again(
    edited: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch, 'printf "delete: a\\ndelete: nosuch\\n" > $0')
    error = edited.fails("edit", "nosuch")
    assert error.details.source is not None
    assert (error.details.source.file, error.details.source.first_line) == ("the edited lines", 2)
    editor(monkeypatch, "sed -i s/nosuch/b/ $0")
    edited.run("edit")
    assert edited.names() == ["c"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("false", ("ended with status 1", "nothing is done")),
        ("/no/such/editor -w", ("'/no/such/editor -w' cannot be started", "VISUAL")),
        ("'", ("EDITOR is no command",)),
        ("", ("there is no editor",)),
    ],
)
def test_an_editor_that_fails_does_nothing(
    edited: Patient, monkeypatch: pytest.MonkeyPatch, command: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("EDITOR", command)
    edited.fails("edit", *words)
    edited.fails("edit: plan.yaml", *words)


def test_a_file_is_edited_and_not_run(
    edited: Patient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor(monkeypatch, 'echo "delete: a" >> $0')
    assert edited.run("edit: new.oly").lines == ["new.oly was changed"]
    assert (tmp_path / "new.oly").read_text() == "delete: a\n"
    assert edited.names() == ["a", "b", "c"]
    editor(monkeypatch, "true")
    assert edited.run("edit: new.oly").lines == ["new.oly is as it was"]
    assert edited.run("edit: other.oly").lines == ["other.oly was not written"]
    (tmp_path / "folder").mkdir()
    edited.fails("edit: folder", "is a folder")
    edited.fails("edit: path: new.oly, count: 2", "a path, or count")


def test_a_dry_run_edits_no_file(edited: Patient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor(monkeypatch, "echo x > $0")
    edited.run("set: dry-run: true")
    assert edited.run("edit: new.oly").lines == ["would edit new.oly"]
    assert not (tmp_path / "new.oly").exists()


def test_visual_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, "exit 1")
    monkeypatch.setenv("VISUAL", "sed -i s/a/b/")
    assert edit_text("a: é\n", ".oly") == "b: é\n"


def test_text_that_is_no_text_is_refused(edited: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, 'printf "\\377" > $0')
    edited.fails("edit", "not UTF-8")


def test_a_file_that_is_executed_cannot_edit(cli: Cli, folder: Path) -> None:
    (folder / "s.oly").write_text("edit\n")
    cli("-c", "execute: s.oly").fails("'edit' has no place")


@pytest.mark.parametrize("resumed", [False, True])
def test_edited_steps_are_in_the_journal_themselves(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    from safetensors.torch import save_file

    save_file({name: torch.ones(2) for name in "abc"}, folder / "m.safetensors")
    editor(monkeypatch, "sed -i s/a$/b/ $0")
    lines = ["-c", "delete: a", "-c", "edit"]
    if resumed:
        cli("m.safetensors", "--session", "s", *lines).ok()
        told = cli("resume", "s", "-c", "summarize: format: oly").ok()
    else:
        told = cli("m.safetensors", *lines, "-c", "summarize: format: oly").ok()
    assert told.splitlines()[-2:] == ["delete: a", "delete: b"]
