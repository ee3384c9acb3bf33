"""``execute``: the steps of a plan or script as one step, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Cli, Patient

SCRIPT = """\
# a script
scale_: target: 'w', by: 2
fill_: target: v, mode: rand
dump: 'w' > shape.txt
delete: 'h.*'
exit
delete: nothing
"""


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    save_file({"w": torch.arange(4.0), "v": torch.zeros(2), "h.0": torch.ones(1)}, folder / "m.safetensors")
    (folder / "fix.oly").write_text(SCRIPT)
    (folder / "plans").mkdir()
    (folder / "plans" / "double.yaml").write_text("transforms:\n  - scale_: { target: w, by: 2 }\n")


def box(patient: Patient) -> Patient:
    return patient.open(w=torch.arange(4.0), v=torch.zeros(2), h__0=torch.ones(1))


def test_a_script_is_one_edit(folder: Path, patient: Patient) -> None:
    before = box(patient).state()
    patient.run("execute: fix.oly")
    assert patient.list("w") == [0, 2, 4, 6]
    assert patient.names() == ["v", "w"]
    assert (folder / "shape.txt").read_text().split()[-4:] == ["float32", "[4]", "16", "B"]
    assert not patient.session.leaving
    drawn = patient.list("v")
    patient.run("undo")
    assert patient.state() == before
    patient.run("redo")
    assert patient.list("v") == drawn
    summary = patient.run("summarize: format: oly").lines
    assert [line.split(":")[0] for line in summary[1:]] == ["scale_", "fill_", "delete"]
    assert "seed:" in summary[2]


@pytest.mark.parametrize(
    "line",
    [
        "execute: transforms: [{ scale_: { target: w, by: 2 } }, 'delete: h.0', { delete: nothing }]",
        "execute: transforms: ['save: kept.safetensors', 'assert: exists: nothing']",
        "execute: transforms: [{ execute: { transforms: ['delete: w', 'delete: w'] } }]",
        "execute: transforms: ['delete: w', 'set: dry-run: true', 'delete: v', 'delete: v']",
        "execute: transforms: [undo]",
        "execute: transforms: [{ scale_: { target: w, by: x } }]",
    ],
)
def test_whole_or_not_at_all(patient: Patient, line: str) -> None:
    box(patient).run("delete: v")
    error = patient.fails(line)
    assert not patient.session.unsaved_aliases - {"model"}
    assert error.details.step is not None


def test_steps_that_are_no_steps(patient: Patient) -> None:
    box(patient)
    patient.fails("execute: {}", "a path, or transforms")
    patient.fails("execute: path: fix.oly, transforms: []", "a path, or transforms")
    patient.fails("execute: transforms: [{ a: 1, b: 2 }]", "one operation")
    patient.fails("execute: transforms: ['delete: [']", "transforms")
    patient.fails("execute: transforms: w", "a list of steps")
    patient.fails("execute: fox.oly", "there is no file", "fix.oly")


def test_errors_name_file_and_line(folder: Path, cli: Cli) -> None:
    (folder / "bad.oly").write_text("delete: v\n\nscale_: target: w, by: two\n")
    cli("m.safetensors", "-c", "execute: bad.oly").fails("bad.oly, line 3, column 24", "a number")
    (folder / "bad.yaml").write_text("transforms:\n  - delete: v\n  - delete: nothing\n")
    cli("m.safetensors", "-c", "execute: bad.yaml").fails("bad.yaml, line 3", "nothing")


def test_errors_in_scripts_that_execute_scripts(folder: Path, cli: Cli) -> None:
    (folder / "inner.oly").write_text("\n\ndelete: nothing\n")
    (folder / "outer.oly").write_text("delete: v\nexecute: inner.oly\n")
    said = cli("m.safetensors", "outer.oly").fails("inner.oly, line 3, column 9")
    assert "outer.oly" not in said
    cli("m.safetensors", stdin="\nexecute: outer.oly\n").fails("inner.oly, line 3, column 9")
    (folder / "inner.oly").write_text("delete: [\n")
    cli("m.safetensors", "-c", "execute: outer.oly").fails("inner.oly, line 1")


def test_files_that_execute_themselves(folder: Path, cli: Cli) -> None:
    (folder / "a.oly").write_text("execute: b.oly\n")
    (folder / "b.oly").write_text("execute: a.oly\n")
    cli("m.safetensors", "-c", "execute: a.oly").fails("executes itself")
    deep = "execute: { transforms: [%s] }"
    line = "undo"
    for _ in range(20):
        line = deep % (f"{{ {line} }}" if ":" in line else line)
    cli("m.safetensors", "-c", line).fails("deeper than")


def test_a_plan_with_inputs_and_output(folder: Path, cli: Cli) -> None:
    """What is open stays, what is not is loaded; paths start at the plan's folder."""
    save_file({"w": torch.ones(4)}, folder / "plans" / "other.safetensors")
    (folder / "plans" / "merge.yaml").write_text(
        "inputs: ['model::x.safetensors', 'other::other.safetensors']\n"
        "transforms:\n  - add_: { from: 'other::w', to: 'model::w' }\n"
        "output: { path: out.safetensors, alias: model }\n"
    )
    run = cli("m.safetensors", "-c", "execute: plans/merge.yaml", "-c", "summarize > s.yaml")
    assert "'model' is open already" in run.err
    run.ok()
    out = load_file(folder / "plans" / "out.safetensors")
    assert out["w"].tolist() == [1, 2, 3, 4]
    (folder / "plans" / "out.safetensors").unlink()
    cli("s.yaml").ok()
    assert torch.equal(load_file(folder / "plans" / "out.safetensors")["w"], out["w"])


def test_a_plan_may_execute_another(folder: Path, cli: Cli) -> None:
    (folder / "plan.yaml").write_text(
        "input: m.safetensors\ntransforms:\n  - execute: plans/double.yaml\n  - execute: plans/double.yaml\n"
        "output: o.safetensors\n"
    )
    cli("plan.yaml").ok()
    assert load_file(folder / "o.safetensors")["w"].tolist() == [0, 4, 8, 12]
    (folder / "plans" / "double.yaml").write_text("transforms:\n  - scale_: { target: w, bye: 2 }\n")
    cli("plan.yaml", "output.path=p.safetensors").fails("double.yaml", "line 2", "bye", status=2)
    assert not (folder / "p.safetensors").exists()


def test_requirements_are_checked(folder: Path, cli: Cli) -> None:
    (folder / "plan.yaml").write_text("requires: { model: abc }\ntransforms: [{ delete: w }]\n")
    cli("m.safetensors", "-c", "execute: plan.yaml").fails("'model' is not the one")
    ignored = cli("m.safetensors", "--ignore-fingerprints", "-c", "execute: plan.yaml")
    assert "'model' is not the one" in ignored.err
    ignored.ok()
    (folder / "plan.yaml").write_text("requires: { other: abc }\n")
    cli("m.safetensors", "-c", "execute: plan.yaml").fails("requires names 'other'")


def test_requirements_of_a_plan_that_a_plan_executes(folder: Path, cli: Cli) -> None:
    summary = cli("m.safetensors", "-c", "delete: v", "-c", "summarize: requires: content").ok()
    (folder / "inner.yaml").write_text(summary)
    (folder / "outer.yaml").write_text("input: m.safetensors\ntransforms: [{ execute: inner.yaml }]\n")
    cli("outer.yaml").ok()
    (folder / "inner.yaml").write_text(summary.replace("header:", "header:1"))
    cli("outer.yaml").fails("inner.yaml", "'model' is not the one", status=2)


@pytest.mark.parametrize(
    "steps",
    [
        "[{ save: out }, { load: { path: out/model.safetensors, alias: b } }]",
        "[{ execute: { transforms: [{ save: out }] } }, { load: { path: out, alias: b } }]",
        "[{ execute: { transforms: [{ save: out }, { load: { path: out, alias: b } }] } }]",
        "[{ save: out/a.safetensors }, { load: { path: out, alias: b } }]",
    ],
)
def test_what_a_plan_saves_it_may_load(folder: Path, cli: Cli, steps: str) -> None:
    (folder / "plan.yaml").write_text(
        f"input: m.safetensors\ntransforms: {steps}\noutput: {{ path: o.safetensors, alias: b }}\n"
    )
    cli("plan.yaml").ok()
    assert set(load_file(folder / "o.safetensors")) == {"w", "v", "h.0"}


def test_resume_brings_back_what_was_executed(folder: Path, cli: Cli) -> None:
    """Also where the file has changed since, and where it saved over its own source."""
    (folder / "fix.oly").write_text(
        "load: path: m.safetensors, alias: again\nscale_: target: 'again::w', by: 2\n"
        "save: path: m.safetensors, alias: again, overwrite: true\nload: path: m.safetensors, alias: third\n"
        "fill_: target: 'again::v', mode: rand\n"
    )
    dump = ("-c", "dump: format: json, verbosity: full")
    first = cli("m.safetensors", "--session", "a", "-c", "execute: fix.oly", *dump).ok().partition("\n")[2]
    assert load_file(folder / "m.safetensors")["w"].tolist() == [0, 2, 4, 6]
    (folder / "fix.oly").unlink()
    assert cli("resume", "a", *dump).ok() == first
    cli("resume", "a", "-c", "undo").ok()
    assert '"values":[0.0,1.0,2.0,3.0]' in cli("resume", "a", *dump).ok().replace(" ", "").replace("\n", "")
    cli("resume", "a", "-c", "redo").ok()
    assert cli("resume", "a", *dump).ok() == first


def test_nothing_is_written_while_checking(folder: Path, cli: Cli) -> None:
    (folder / "fix.oly").write_text("dump > d.txt\n!touch touched\nsave: s.safetensors\n")
    cli("m.safetensors", "--dry-run", "-c", "execute: fix.oly").ok()
    (folder / "plan.yaml").write_text(
        "input: m.safetensors\ntransforms: [{ execute: fix.oly }, { delete: x }]\n"
    )
    cli("plan.yaml").fails("'x' matches no tensor", status=2)
    assert {path.name for path in folder.iterdir()} == {"m.safetensors", "fix.oly", "plans", "plan.yaml"}


def test_the_journal_that_cannot_be_written(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    from brainsurgery_shell.errors import StorageError
    from brainsurgery_shell.session.recorder import Recorder

    def refuse(self: Recorder, entry: object) -> None:
        raise StorageError("the disk is full")

    box(patient)
    monkeypatch.setattr(Recorder, "write", refuse)
    patient.fails("execute: transforms: ['delete: w']", "the disk is full")


def test_what_else_is_wrong_in_a_file_is_told_with_the_first_error(folder: Path, cli: Cli) -> None:
    lines = [
        "delete: v",
        "delete: nothing",
        "# delete: [",
        "scael_: target: w",
        "delete: [",
        "delete: w",
        "scale_: target: w",
    ]
    (folder / "bad.oly").write_text("\n".join(lines))
    said = cli("m.safetensors", "-c", "source: bad.oly").fails("bad.oly, line 2, column 9", "nothing")
    assert [line.split(" is wrong")[0] for line in said.splitlines() if "wrong too" in line] == [
        "line 4",
        "line 5",
        "line 7",
    ]
    assert "unknown operation 'scael_'" in said
    (folder / "bad.yaml").write_text("transforms:\n  - delete: nothing\n  - nonsense: 1\n  - delete: {}\n")
    cli("m.safetensors", "-c", "source: bad.yaml").fails("line 3 is wrong too", "line 4 is wrong too")
    (folder / "bad.oly").write_text("\n".join(["delete: nothing", *["nonsense"] * 8]))
    cli("m.safetensors", "-c", "source: bad.oly").fails("line 6", "… and 3 more lines")


def test_source_is_execute(folder: Path, patient: Patient) -> None:
    before = box(patient).state()
    patient.run("source: fix.oly", "source: plans/double.yaml")
    assert patient.list("w") == [0, 4, 8, 12]
    patient.run("undo: 2")
    assert patient.state() == before
    patient.fails("source", "needs 'path'")
    patient.fails("source: fox.oly", "there is no file", "fix.oly")
