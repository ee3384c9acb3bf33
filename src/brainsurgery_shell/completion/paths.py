"""Paths: folders, checkpoints and plans first. Only this part of completion looks at the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from brainsurgery_shell.completion.candidates import LIMIT, Candidate
from brainsurgery_shell.completion.writing import Pen

_CHECKPOINTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npy", ".npz")
_PLANS = (".yaml", ".yml", ".oly")
_MOST_ENTRIES = 3000


def paths(pen: Pen, folder: Path) -> Iterator[Candidate]:
    """Entries of the folder that is being typed; ``~`` stays as it was typed."""
    typed = pen.typed
    if typed == "~":
        yield pen.value("~/", "~/", "home folder", final=False)
        return
    head, _, partial = typed.rpartition("/")
    front = typed[: len(typed) - len(partial)]
    for name, what in _entries(_looked_at(folder, head, front), partial)[:LIMIT]:
        if what == "folder":
            yield pen.value(f"{front}{name}/", f"{name}/", what, final=False)
        else:
            yield pen.value(f"{front}{name}", name, what)


def _looked_at(folder: Path, head: str, front: str) -> Path:
    if front == "/":
        return Path("/")
    try:
        return folder / Path(head).expanduser()
    except RuntimeError:  # ~nobody
        return folder / head


def _entries(folder: Path, partial: str) -> list[tuple[str, str]]:
    found: list[tuple[int, str, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                name = entry.name
                if name.startswith(partial) and (partial or not name.startswith(".")) and name.isprintable():
                    rank, what = _sort(name, entry.is_dir())
                    found.append((rank, name, what))
    except (OSError, ValueError):  # no such folder, or one that may not be read
        return []
    return [(name, what) for _, name, what in sorted(found)]


def _sort(name: str, is_folder: bool) -> tuple[int, str]:
    if is_folder:
        return 0, "folder"
    suffix = Path(name).suffix.lower()
    if suffix in _CHECKPOINTS:
        return 0, "checkpoint"
    return (0, "plan") if suffix in _PLANS else (1, "file")
