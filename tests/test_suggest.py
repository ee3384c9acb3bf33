"""``brainsurgery complete``: the candidates at a place of a line, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Cli
from test_architecture import modules_after


@pytest.fixture
def checkpoint(folder: Path) -> Path:
    entry = {"dtype": "F32", "shape": [2]}
    names = ("h.0.w", "h.1.w", "wte")
    header = {name: {**entry, "data_offsets": [8 * at, 8 * at + 8]} for at, name in enumerate(names)}
    text = json.dumps(header).encode()
    path = folder / "m.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(24))
    return path


def lines(cli: Cli, line: str, *words: object) -> list[str]:
    """The line with each candidate taken, at its cursor."""
    cursor = len(line)
    if "--cursor" in words:
        cursor = int(str(words[words.index("--cursor") + 1]))
    found = json.loads(cli("complete", line, *words).ok())
    assert all(each.keys() == {"insert", "replaces", "display", "meta"} for each in found)
    return [line[: cursor - each["replaces"]] + each["insert"] + line[cursor:] for each in found]


def test_without_a_checkpoint(cli: Cli) -> None:
    assert "scale_: " in lines(cli, "sca")
    assert "scale_: target: " in lines(cli, "scale_: tar")
    assert lines(cli, "delete: x") == []
    assert json.loads(cli("complete", "").ok())


def test_with_checkpoints(cli: Cli, checkpoint: Path) -> None:
    assert "delete: wte" in lines(cli, "delete: w", checkpoint)
    found = lines(cli, "delete: target: ", f"x::{checkpoint}", "y::m.safetensors")
    assert any(each.startswith("delete: target: x::") for each in found)
    cli("complete", "delete: ", "nope.safetensors").fails("nope.safetensors")


def test_a_cursor_within_the_line(cli: Cli) -> None:
    assert "scale_: target: x" in lines(cli, "sc: target: x", "--cursor", "2")
    assert cli("complete", "sc", "--cursor=1").ok() == cli("complete", "s").ok()
    for odd in ("3", "-1", "x", "", "1" * 5000):
        cli("complete", "sc", "--cursor", odd).fails("--cursor", status=2)


def test_it_leaves_no_session(cli: Cli, checkpoint: Path) -> None:
    cli("complete", "delete: ", checkpoint).ok()
    assert cli("sessions").ok() == ""


def test_it_is_light(checkpoint: Path) -> None:
    modules = modules_after(checkpoint.parent, ["complete", "delete: ", "m.safetensors"])
    assert not modules & {"torch", "numpy", "prompt_toolkit", "ruamel"}
