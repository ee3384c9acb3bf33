"""``set``: dry runs on a copy, previews, and telling."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from conftest import Cli, Patient


@pytest.fixture
def box(patient: Patient) -> Patient:
    said: list[str] = []
    patient.session.say = said.append
    patient.said = said  # type: ignore[attr-defined]
    return patient.open(w=torch.ones(4), v=torch.zeros(2, 2))


def test_a_dry_run_leaves_everything_as_it_was(box: Patient, tmp_path: Path) -> None:
    box.run("scale_: target: w, by: 2", "undo", "scale_: target: w, by: 3")
    before, steps = box.state(), list(box.session.timeline.everything)
    box.run("set: dry-run: true")
    assert box.run("delete: v").lines == ["would do: delete: v (1 tensors)"]
    box.fails("scale_: target: v, by: 2", "matches no tensor")
    assert "would save" in box.run(f"save: {tmp_path / 'x.safetensors'}").lines[0]
    box.run("undo: 2", "load: path: model.safetensors, alias: more", "prefixes: mode: remove, alias: model")
    assert not (tmp_path / "x.safetensors").exists()
    box.run("set: dry_run: false")
    assert box.state() == before
    assert box.session.timeline.everything == steps
    assert not any(step.undone for step in steps[1:])
    box.run("undo", "redo")
    assert box.state() == before


def test_nothing_of_a_dry_run_is_in_journal_and_summary(cli: Cli, box: Patient) -> None:
    arguments = ("-c", "set: dry-run: true", "-c", "delete: v", "-c", "set: dry-run: false")
    cli("model.safetensors", "--session", "a", *arguments, "-c", "delete: w").ok()
    assert "'v'" not in cli("resume", "a", "-c", "history", "-c", "summarize").ok()
    assert "float32 [2, 2]" in cli("resume", "a", "-c", "dump").ok()


def test_what_was_only_promised_is_forgotten(box: Patient, tmp_path: Path) -> None:
    out = tmp_path / "o.safetensors"
    box.run("set: dry-run: true", f"save: {out}")
    box.fails(f"load: path: {out}, alias: o", "this is a dry run")
    box.run("set: dry-run: false", f"save: {out}", f"load: path: {out}, alias: o")
    assert box.names("o") == box.names()


def test_the_command_line_has_the_last_word(cli: Cli, box: Patient, tmp_path: Path) -> None:
    cli("model.safetensors", "--dry-run", "-c", "set: dry-run: false", "-c", "save: x.safetensors").ok()
    (tmp_path / "plan.yaml").write_text(
        "input: model.safetensors\n"
        "transforms: [{ set: { dry-run: false } }, { save: x.safetensors }, { delete: nothing }]\n"
    )
    cli("plan.yaml").fails("nothing", status=2)
    assert not (tmp_path / "x.safetensors").exists()


def test_a_dry_run_in_a_file_ends_with_the_file(box: Patient) -> None:
    box.run("execute: transforms: ['delete: v', 'set: dry-run: true', 'delete: w']")
    assert box.names() == ["w"]
    box.run("undo")
    assert box.names() == ["v", "w"]
    history = [record.command.name for record in box.session.timeline.steps]
    assert history == []
    box.run("set: dry-run: true")
    box.fails("execute: transforms: ['delete: v', 'set: dry-run: false']", "began outside")
    box.run("execute: transforms: ['delete: v', 'set: dry-run: true', 'delete: w']")
    assert box.names() == []
    box.run("set: dry-run: false")
    assert box.names() == ["v", "w"]


def test_what_a_file_rehearses_is_not_recorded(cli: Cli, box: Patient, tmp_path: Path) -> None:
    (tmp_path / "s.oly").write_text(
        "scale_: target: w, by: 2\nset: dry-run: true\ndelete: v\nexecute: t.oly\nset: dry-run: false\ndelete: w\n"
    )
    (tmp_path / "t.oly").write_text("scale_: target: w, by: 5\n")
    run = cli("model.safetensors", "--session", "a", "-c", "execute: s.oly", "-c", "summarize: format: oly")
    assert [line.split(":")[0] for line in run.ok().splitlines()[-3:]] == ["load", "scale_", "delete"]
    dump = cli("resume", "a", "-c", "dump: format: json, verbosity: full").ok()
    assert '"w"' not in dump
    assert '"v"' in dump
    assert '"w"' in cli("resume", "a", "-c", "undo", "-c", "dump: format: json").ok()


def test_a_dry_run_looks_at_what_would_be(cli: Cli, box: Patient) -> None:
    lines = ("-c", "scale_: target: w, by: 3", "-c", "dump: target: w, format: json, verbosity: full")
    assert "3.0" in cli("model.safetensors", "--dry-run", *lines).ok()
    failed = cli("model.safetensors", "--dry-run", *lines, "-c", "assert: iszero: w")
    failed.fails("expected zero")
    promised = cli(
        "model.safetensors",
        "--dry-run",
        "-c",
        "save: o.safetensors",
        "-c",
        "load: path: o.safetensors, alias: b",
    )
    promised.fails("'o.safetensors' is not there yet")


def test_preview_and_verbose(box: Patient) -> None:
    report = box.run("set: preview: true, verbose: true")
    assert report.lines == ["dry-run: false", "preview: true", "verbose: true"]
    assert box.run("set").data == {"dry-run": False, "preview": True, "verbose": True}
    box.run("move: from: w, to: u", "prefixes: mode: add, alias: new", "scale_: target: u, by: 2")
    said = box.said  # type: ignore[attr-defined]
    assert said[0:2] == ["creates 1 tensor (16 B): model::u", "deletes 1 tensor (16 B): model::w"]
    assert said[2].startswith("move: 1 tensor, ")
    assert said[3] == "adds the alias new (0 tensors)"
    assert said[5] == "changes 1 tensor (16 B): model::u"
    box.fails("set: preview: 1", "true or false")
    box.fails("set: true", "takes no bare value")
