"""The lines of earlier shells. One file for all: appended under a lock, without duplicates, bounded."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from prompt_toolkit.history import History

MOST_ENTRIES = 10_000
_SLACK = 1_000
"""How far the file may grow beyond that before it is written anew."""


def history_path() -> Path:
    """Where the history is kept."""
    return Path(platformdirs.user_state_dir("brainsurgery")) / "history"


class SharedHistory(History):
    """A line an entry, the newest last. Where the file cannot be used, the shell remembers by itself."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def load_history_strings(self) -> Iterable[str]:
        """The newest first, each once."""
        try:
            lines = self._read()
            kept = _newest(lines)
            if len(lines) > MOST_ENTRIES + _SLACK:
                self._shorten()
        except OSError:
            return []
        return kept

    def append_string(self, string: str) -> None:
        """Remember what was entered; of several lines, each."""
        for line in string.split("\n"):
            if not line.strip():
                continue
            if line in self._loaded_strings:
                self._loaded_strings.remove(line)
            self._loaded_strings.insert(0, line)
            self.store_string(line)
        del self._loaded_strings[MOST_ENTRIES:]

    def store_string(self, string: str) -> None:
        """Append one line to the file."""
        try:
            with self._locked(), _private(self._path, os.O_APPEND) as file:
                os.write(file, (string + "\n").encode("utf-8", "replace"))
        except OSError:
            return  # a full or read-only disk must not keep anybody from working

    def _read(self) -> list[str]:
        if not self._path.exists():
            return []
        return self._path.read_text(encoding="utf-8", errors="replace").split("\n")

    def _shorten(self) -> None:
        """Write the file anew; read again under the lock, for another shell may have added to it."""
        with self._locked():
            kept = _newest(self._read())
            fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            with _private(fresh, os.O_TRUNC) as file:
                os.write(file, "".join(f"{line}\n" for line in reversed(kept)).encode("utf-8", "replace"))
            fresh.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among all shells. The lock is a file of its own, since the history itself gets replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _private(self._path.with_name(f"{self._path.name}.lock"), 0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def _private(path: Path, flags: int) -> Iterator[int]:
    """A file that only its owner may read, open for writing."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)
    try:
        yield file
    finally:
        os.close(file)


def _newest(lines: Iterable[str]) -> list[str]:
    """The newest first, each once, as many as are kept."""
    once = dict.fromkeys(reversed([line for line in lines if line.strip()]))
    return list(once)[:MOST_ENTRIES]
