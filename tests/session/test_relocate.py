"""Resuming where the inputs are no longer what or where they were: all of that is said before anything is replayed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from conftest import Cli


def write(path: str, **tensors: torch.Tensor) -> Path:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, place)
    return place


@pytest.fixture(autouse=True)
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``work`` with two checkpoints, entered."""
    (folder / "work").mkdir()
    monkeypatch.chdir(folder / "work")
    write("models/base/model.safetensors", w=torch.arange(3.0))
    write("tuned.safetensors", w=torch.ones(3))
    write("extra.safetensors", x=torch.ones(1))
    return folder / "work"


def record(cli: Cli) -> None:
    """A session ``s`` with two inputs, and a third checkpoint that a step loads."""
    lines = ("add_: from: 'base::w', to: 'tuned::w'", "load: path: extra.safetensors, alias: extra",
             "save: path: out.safetensors, alias: tuned")  # fmt: skip
    cli("base::models/base", "tuned::tuned.safetensors", "--session", "s", stdin="\n".join(lines)).ok()


def values(cli: Cli, *words: str) -> dict[str, object]:
    done = cli("resume", "s", *words, "-c", "dump: format: json, verbosity: full").ok()
    return {f"{row['alias']}::{row['name']}": row["values"] for row in json.loads(done)}


EXPECTED = {"base::w": [0, 1, 2], "tuned::w": [1, 2, 3], "extra::x": [1]}


def test_a_folder_that_moved(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(cli)
    moved = project.rename(project.with_name("elsewhere"))
    monkeypatch.chdir(moved.parent)
    error = cli("resume", "s").fails("3 inputs of the session 's' cannot be used")
    for path in ("base: 'models/base'", "tuned: 'tuned.safetensors'", "'extra.safetensors'"):
        assert f"{path} is not there" in error
    monkeypatch.chdir(moved)
    done = cli("resume", "s", "-c", "summarize")
    assert "elsewhere now" in done.err
    assert "path: extra.safetensors" in done.ok()
    assert "path: out.safetensors" in done.out
    assert values(cli) == EXPECTED
    monkeypatch.chdir(moved.parent)  # that it moved is known from now on
    again = cli("resume", "s", "-c", "delete: 'extra::.*'")
    again.ok()
    assert "now" not in again.err.split("warning")[0]
    assert "base::elsewhere/models/base" in cli("sessions", "export", "s").ok()
    (moved / "models").rename("renamed")
    error = cli("resume", "s").fails("an input of the session 's' cannot be used", "resume s ALIAS::PATH")
    assert str(moved / "models/base") in error
    assert values(cli, "base::renamed/base")["tuned::w"] == [1, 2, 3]
    assert values(cli)["tuned::w"] == [1, 2, 3]
    moved.rename(project)
    monkeypatch.chdir(project)
    assert values(cli)["tuned::w"] == [1, 2, 3]


def test_one_input_that_moved(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others, and the paths of steps, stay where they are."""
    record(cli)
    elsewhere = project.with_name("elsewhere")
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shutil.move(project / "models", "models")
    done = cli("resume", "s", "-c", "summarize")
    assert "base::models/base" in done.ok()
    assert "../work/extra.safetensors" in done.out
    assert "../work/out.safetensors" in done.out
    assert done.err.count("now") == 1
    assert values(cli) == EXPECTED


def test_a_folder_below_the_one_that_moved(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan's paths start at its own folder; absolute ones are looked for as well."""
    write("plans/near.safetensors", w=torch.zeros(1))
    Path("plans/p.yaml").write_text(
        f"inputs: [base::../models/base, near::near.safetensors, tuned::{project}/tuned.safetensors]\n"
        "transforms: [{delete: 'near::w'}]\n"
    )
    cli("plans/p.yaml", "--session", "s").ok()
    moved = project.rename(project.with_name("elsewhere"))
    monkeypatch.chdir(moved)
    assert values(cli).keys() == {"base::w", "tuned::w"}


def test_what_lies_here_by_chance_is_not_taken(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something else of the same name; and where the original is still there, a copy of it."""
    record(cli)
    other = project.with_name("other")
    shutil.copytree(project, other)
    monkeypatch.chdir(other)
    write("tuned.safetensors", w=torch.zeros(3))
    assert values(cli) == EXPECTED
    shutil.rmtree(project)
    write("tuned.safetensors", w=torch.zeros(4))
    error = cli("resume", "s").fails("an input of the session", "tuned: 'tuned.safetensors' has changed")
    assert "it had 1 tensor in" in error
    assert "models/base" not in error


def test_all_that_changed_is_named_at_once(cli: Cli, project: Path) -> None:
    record(cli)
    before = (project / "tuned.safetensors").read_bytes()
    write("tuned.safetensors", w=torch.ones(3), v=torch.ones(2))
    write("models/base/model.safetensors", w=torch.arange(3, dtype=torch.int32))
    Path("extra.safetensors").unlink()
    error = cli("resume", "s").fails(
        "3 inputs", "base: 'models/base' has changed: other names, dtypes, shapes"
    )
    assert "tuned: 'tuned.safetensors' has changed: it had 1 tensor in" in error
    assert "and has 2 tensors in" in error
    assert "'extra.safetensors' is not there" in error
    assert "sessions export s" in error
    Path("tuned.safetensors").write_bytes(before[:20])
    cli("resume", "s").fails("tuned: ", "tuned.safetensors")
    cli("resume", "s", "tuned::nowhere").fails("tuned: 'nowhere' is not there")
    cli("resume", "s", "tnued::x").fails("did you mean 'tuned'?", status=2)
    cli("resume", "s", "t").fails("resume takes one session", status=2)


def test_values_that_may_have_changed(cli: Cli) -> None:
    """Headers and sizes cannot tell: so it is said, and no obstacle."""
    record(cli)
    place = Path("tuned.safetensors")
    assert cli("resume", "s", "-c", "summarize").err == ""
    os.utime(place, (10**9, 10**9))
    done = cli("resume", "s", "-c", "summarize")
    done.ok()
    assert "'tuned.safetensors' was written again (2001-09-09" in done.err


def test_a_source_that_a_save_replaced_cannot_have_moved(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept of it is read, also where its folder moved and the session has another name."""
    cli("base::models/base", "tuned::tuned.safetensors", "--session", "s",
        "-c", "scale_: target: 'tuned::w', by: 2",
        "-c", "save: path: tuned.safetensors, alias: tuned, overwrite: true").ok()  # fmt: skip
    cli("sessions", "rename", "s", "t").ok()
    cli("sessions", "rename", "t", "s").ok()
    moved = project.rename(project.with_name("elsewhere"))
    monkeypatch.chdir(moved)
    assert values(cli)["tuned::w"] == [2, 2, 2]
    cli("resume", "s", "-c", "undo").ok()
    assert values(cli)["tuned::w"] == [1, 1, 1]
