"""Paths: checkpoints and plans first, then folders. Only this part of completion looks at the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from brainsurgery_shell.completion.candidates import Candidate
from brainsurgery_shell.completion.writing import Pen
from brainsurgery_shell.lang.sizes import size_words

_CHECKPOINTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npy", ".npz")
_PLANS = (".yaml", ".yml", ".oly")
_MOST_ENTRIES = 3000
_MOST_LOOKS = 20
"""Folders that are looked into, whether they hold a checkpoint."""
_MOST_LOOKED_AT = 50
_MOST_MEASURED = 200


def paths(pen: Pen, folder: Path) -> Iterator[Candidate]:
    """Entries of the folder that is being typed; ``~`` stays as it was typed."""
    typed = pen.typed
    if typed == "~":
        yield pen.value("~/", "~/", "home folder", final=False)
        return
    head, _, partial = typed.rpartition("/")
    front = typed[: len(typed) - len(partial)]
    for name, what, is_folder in _entries(_looked_at(folder, head, front), partial):
        if is_folder:
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


def _entries(folder: Path, partial: str) -> list[tuple[str, str, bool]]:
    """Names, what they are, and whether they are folders."""
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                name = entry.name
                if name.startswith(partial) and (partial or not name.startswith(".")) and name.isprintable():
                    (folders if entry.is_dir() else files).append(entry)
    except (OSError, ValueError):  # no such folder, or one that may not be read
        return []
    found = [_file(entry, measured=len(files) <= _MOST_MEASURED) for entry in files]
    for at, entry in enumerate(sorted(folders, key=lambda each: each.name)):
        holds = at < _MOST_LOOKS and _holds_checkpoint(entry.path)
        found.append((0, entry.name, "checkpoint") if holds else (1, entry.name, "folder"))
    names = {entry.name for entry in folders}
    return [(name, what, name in names) for _, name, what in sorted(found)]


def _file(entry: os.DirEntry[str], *, measured: bool) -> tuple[int, str, str]:
    """Rank, name, and what it is."""
    suffix = Path(entry.name).suffix.lower()
    if suffix in _PLANS:
        return 0, entry.name, "script" if suffix == ".oly" else "plan"
    if suffix not in _CHECKPOINTS:
        return 2, entry.name, "file"
    try:
        size = f", {size_words(entry.stat().st_size)}" if measured else ""
    except OSError:  # gone, or a link to nothing
        size = ""
    return 0, entry.name, f"checkpoint{size}"


def _holds_checkpoint(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(
                each.name.endswith((".safetensors", ".safetensors.index.json"))
                or each.name in ("pytorch_model.bin", "pytorch_model.bin.index.json", ".metadata")
                for each in islice(entries, _MOST_LOOKED_AT)
            )
    except OSError:
        return False
