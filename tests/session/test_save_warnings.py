"""What is said where work may be lost, or goes where nobody looks: unsaved edits, misspelt suffixes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from conftest import Cli

EDIT = ("-c", "scale_: target: a, by: 2")


@pytest.fixture(autouse=True)
def model(folder: Path) -> Path:
    path = folder / "m.safetensors"
    save_file({"a": torch.arange(4.0), "b": torch.ones(2)}, path)
    (folder / "edit.oly").write_text("scale_: target: a, by: 2\n")
    (folder / "edit.yaml").write_text("inputs: m.safetensors\ntransforms: [{scale_: {target: a, by: 2}}]\n")
    return path


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["m.safetensors", *EDIT], ""),
        (["m.safetensors", *EDIT, "-c", "save: path: one.safetensors, target: a"], ""),
        (["m.safetensors", "-c", "save: o", *EDIT], ""),
        (["m.safetensors", "edit.oly"], ""),
        (["m.safetensors"], "scale_: target: a, by: 2\n"),
        (["m.safetensors"], "scale_: target: a, by: 2\nexit\n"),
        (["m.safetensors", "-c", "execute: edit.oly"], ""),
        (["edit.yaml"], ""),
    ],
)
def test_edits_that_end_unsaved(cli: Cli, words: list[str], stdin: str) -> None:
    done = cli(*words, "--session", "s", stdin=stdin)
    done.ok()
    assert done.err == (
        "warning: the edits of 'model' were not saved (brainsurgery resume s goes on from here)\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["m.safetensors", "-c", "dump"],
        ["m.safetensors", *EDIT, "-c", "save: o"],
        ["m.safetensors", *EDIT, "-c", "undo"],
        ["m.safetensors", *EDIT, "-c", "save: o", "-c", "undo"],
        ["m.safetensors", "-c", "load: path: m.safetensors, alias: x"],
        ["m.safetensors", *EDIT, "--summarize-path", "p.yaml"],
        ["edit.yaml", "output=o.safetensors"],
        ["resume", "before", "-c", "dump"],
    ],
)
def test_nothing_to_warn_of(cli: Cli, words: list[str]) -> None:
    cli("m.safetensors", "--session", "before", *EDIT).ok()
    done = cli(*words)
    done.ok()
    assert done.err == ""


def test_dry_runs_have_nothing_to_save(cli: Cli) -> None:
    assert "not saved" not in cli("m.safetensors", "--dry-run", *EDIT).err
    assert "not saved" not in cli("m.safetensors", "-c", "set: dry-run: true", *EDIT).err


def test_without_a_journal_there_is_nothing_to_resume(cli: Cli) -> None:
    error = cli("x::m.safetensors", "y::m.safetensors", "--no-journal", "-c", "delete: 'x::a'", "-c", "delete: 'y::a'").err  # fmt: skip
    assert error == "warning: the edits of 'x', 'y' were not saved\n"
    assert cli("m.safetensors", "--log-level", "error", *EDIT).err == ""


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("o.safetensor", "o.safetensors"),
        ("sub/o.SafeTensor", "sub/o.safetensors"),
        ("o.cpkt", "o.ckpt"),
        ("o.pt2", "o.pt"),
        ("o.bins", "o.bin"),
        ("o", None),
        ("llama-3.1", None),
        ("model.v2", None),
        ("llama-4.bit", None),
        ("o.safetensors", None),
        ("o.d", None),
    ],
)
def test_a_folder_that_was_to_be_a_file(cli: Cli, path: str, meant: str | None) -> None:
    for words in (["--dry-run"], []):
        done = cli("m.safetensors", *words, "-c", f"save: {path}")
        done.ok()
        suffix = Path(path).suffix.lower()
        said = f"warning: {path} will be a folder, for no file ends in '{suffix}': did you mean '{meant}'?\n"
        assert [line for line in done.err.splitlines(keepends=True) if "folder" in line] == [said] * bool(
            meant
        )
    assert cli("m.safetensors", "--overwrite", "-c", f"save: {path}").err == ""  # now it is there
