"""Sessions over checkpoints whose data does not exist: who reads it fails."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.workspace.workspace import Workspace

_DTYPES = {"float32": ("F32", 4), "float16": ("F16", 2), "int64": ("I64", 8)}
Facts = dict[str, tuple[str, list[int]]]


def write_headers(path: Path, tensors: Facts) -> Path:
    """A safetensors file with a hole in place of data."""
    header, start = {}, 0
    for name, (dtype, shape) in tensors.items():
        code, size = _DTYPES[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + start)
    return path


def session_over(folder: Path, **checkpoints: Facts) -> Session:
    """A session without a journal, each checkpoint under its alias."""
    session = Session(Settings(memory=1 << 26, journal=False), folder=folder)
    for alias, tensors in checkpoints.items():
        session.open_input(str(write_headers(folder / f"{alias}.safetensors", tensors)), alias)
    return session


def run(session: Session, line: str) -> None:
    command = parse_line(line)
    assert command is not None
    session.execute(command)


def state(workspace: Workspace) -> object:
    """All that an edit may change, tensors by identity."""
    return (
        [
            (alias, [(name, id(each.tensors[name])) for name in each.names()])
            for alias, each in workspace.checkpoints.items()
        ],
        workspace.chosen,
    )
