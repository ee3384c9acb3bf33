"""Which files of a save are finished: noted in the folder under construction.

So a save that was killed can go on. A note is written when a file's data are on the disk, and holds the facts
of the file at that moment. It counts only for a save with the same *key*, which stands for everything that
decides the bytes, and only while the facts are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from brainsurgery_shell.graph.files import facts_from
from brainsurgery_shell.storage.container import OutFile
from brainsurgery_shell.storage.output.publish import remove

NOTES = ".finished.jsonl"
"""The name of the notes. No output has a file of that name."""


def layout_key(key: str, files: Sequence[OutFile]) -> str:
    """``key``, and all that ``files`` fix: names, sizes, headers, and where which data go."""
    digest = hashlib.sha256(key.encode())
    for file in files:
        places = [(at, len(literal)) for at, literal in file.literals]
        facts = (file.name, file.size, places, file.offsets, list(file.tensors))
        digest.update(repr(facts).encode("utf-8", "backslashreplace"))
        for _, literal in file.literals:
            digest.update(literal)
    return digest.hexdigest()


class Finished:
    """The notes in one folder under construction."""

    def __init__(self, folder: Path, key: str) -> None:
        self._path, self._key = folder / NOTES, key
        self._lock = threading.Lock()
        self._fd = -1

    def belongs(self) -> bool:
        """Whether the folder was left by a save with the same key."""
        lines = self._lines()
        return bool(lines) and lines[0] == {"key": self._key}

    def kept(self, files: Sequence[OutFile]) -> set[str]:
        """The names of the files that are finished and untouched since; whatever else is there is removed."""
        noted = {str(line.get("name")): line.get("facts") for line in self._lines()[1:]}
        folder = self._path.parent
        kept = {file.name for file in files if _is_same(folder / file.name, noted.get(file.name))}
        for path in folder.iterdir():
            if path.name not in kept and path != self._path:
                remove(path)
        return kept

    def open(self) -> None:
        """Begin to take notes. Raises ``OSError``."""
        new = not self._path.exists()
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if new:
            self._append({"key": self._key})

    def note(self, path: Path, fsync: bool) -> None:
        """The data of ``path`` are complete. Called by any thread. Raises ``OSError``.

        The note itself is not synced: one that is lost with the power costs only what it stands for.
        """
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if fsync:
                os.fsync(fd)
            facts = astuple(facts_from(os.fstat(fd)))
        finally:
            os.close(fd)
        self._append({"name": path.name, "facts": facts})

    def close(self) -> None:
        """Take no more notes."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1

    def remove(self) -> None:
        """The folder is about to appear: it shall not hold notes. Raises ``OSError``."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _append(self, entry: dict[str, object]) -> None:
        with self._lock:
            if self._fd < 0:
                return  # the save was given up while this thread worked on it
            os.write(self._fd, json.dumps(entry).encode() + b"\n")

    def _lines(self) -> list[dict[str, object]]:
        """What was noted; a line that was torn ends it."""
        found: list[dict[str, object]] = []
        try:
            for line in self._path.read_bytes().splitlines(keepends=True):
                entry = json.loads(line) if line.endswith(b"\n") else None
                if not isinstance(entry, dict):
                    break
                found.append(entry)
        except (OSError, ValueError):
            pass
        return found


def _is_same(path: Path, facts: object) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    regular = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    return regular and list(astuple(facts_from(status))) == facts
