"""The journal: JSON lines on disk, one file a session, appended and flushed before a step is reported.

Entries have a ``kind``: ``header``, ``input``, ``step``, ``undo``, ``redo``, ``saving`` (the intent, written
before a save publishes), ``kept`` (a source that a save replaced was linked aside) and ``end``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.errors import StorageError, UsageError, did_you_mean, listed
from brainsurgery_shell.lang.names import is_name
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.session.record import Record

Entry = dict[str, Any]
FILE = "journal.jsonl"
MOST_SESSIONS = 200
OLDEST_DAYS = 90


def sessions_folder() -> Path:
    """Where sessions are kept: the user's state folder."""
    from platformdirs import user_state_path

    return user_state_path("brainsurgery") / "sessions"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session on disk, as ``sessions`` lists it."""

    name: str
    modified: float
    steps: int
    inputs: list[str]
    running: bool


class Journal:
    """The open journal of one session. The file and its folder are made with the first entry."""

    def __init__(self, name: str, *, resumed: bool = False) -> None:
        self.name = name
        self.folder = sessions_folder() / name
        self._file: int | None = None
        if resumed:
            self._open()

    @property
    def kept_folder(self) -> Path:
        """Where sources that a save replaced live on, as links, as long as the session can be resumed."""
        return self.folder / "kept"

    def append(self, entry: Entry) -> None:
        """Write one entry and flush it to the disk.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            if self._file is None:
                forget_old_sessions()
                self._open()
                self._write(_header(self.name))
            self._write(entry)
        except OSError as error:
            raise StorageError(
                f"cannot write the journal '{self.folder / FILE}': {error.strerror or error}",
                hint="--no-journal works without one: such a session cannot be resumed",
            ) from error

    def close(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            self._file = None
            raise StorageError(
                f"the session '{self.name}' is open in another process",
                hint="leave it there first, or open the checkpoint anew",
            ) from error
        self._mend_tail()

    def _mend_tail(self) -> None:
        """Cut off a last line that a killed process did not finish."""
        if self._file is None:
            return
        size = os.fstat(self._file).st_size
        data = os.pread(self._file, size, 0)
        end = data.rfind(b"\n") + 1
        if end != size:
            os.ftruncate(self._file, end)

    def _write(self, entry: Entry) -> None:
        if self._file is None:
            return
        data = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fsync(self._file)


def _header(name: str) -> Entry:
    from brainsurgery_shell import __version__

    return {"kind": "header", "session": name, "version": __version__, "time": time.time()}


def entry_of(record: Record, parts: list[Entry] | None) -> Entry:
    """What the journal says of a step; of an executed file, with the entries of its ``parts``."""
    entry: Entry = {
        "kind": "step",
        "number": record.number,
        "line": print_command(record.command),
        "role": record.role,
        "count": record.count,
        "seconds": round(record.seconds, 6),
        "time": time.time(),
        "folder": str(record.folder),
    }
    if record.fingerprint is not None:
        entry["fingerprint"] = record.fingerprint
    declared = OPERATIONS.get(record.command.name)
    if declared is not None and declared.origin is not None:
        entry["declared_in"] = declared.origin
    if parts is not None:
        entry["parts"] = parts
    return entry


def new_name() -> str:
    """A name for a session: when it began, and two letters against collisions."""
    return time.strftime("s%Y%m%d-%H%M%S-") + os.urandom(2).hex()


def check_new_name(name: str) -> str:
    """A name that the user chose for a new session.

    Raises:
        UsageError: it is taken or cannot name a file.
    """
    if not is_name(name):
        raise UsageError(f"'{name}' is no session name", hint="letters, digits, _ and -")
    if (sessions_folder() / name / FILE).exists():
        raise UsageError(
            f"the session '{name}' exists already", hint=f"go on with it: brainsurgery resume {name}"
        )
    return name


def read_entries(name: str) -> list[Entry]:
    """All entries of a session; a torn last line is left out.

    Raises:
        UsageError: there is no such session.
        StorageError: its journal is damaged.
    """
    path = sessions_folder() / name / FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        names = [facts.name for facts in list_sessions()]
        hint = did_you_mean(name, names) or (f"sessions: {listed(names)}" if names else None)
        raise UsageError(f"there is no session '{name}'", hint=hint) from error
    entries: list[Entry] = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise StorageError(f"the journal '{path}' is damaged in line {number}") from error
        if not isinstance(entry, dict):
            raise StorageError(f"the journal '{path}' is damaged in line {number}")
        entries.append(entry)
    return entries


def forget_old_sessions() -> None:
    """Remove sessions that nobody will resume: beyond the ``MOST_SESSIONS`` latest, or too long unused."""
    folder = sessions_folder()
    if not folder.is_dir():
        return
    journals = sorted(folder.glob(f"*/{FILE}"), key=lambda path: -path.stat().st_mtime)
    oldest = time.time() - OLDEST_DAYS * 86400
    for place, journal in enumerate(journals):
        if (place >= MOST_SESSIONS or journal.stat().st_mtime < oldest) and not _is_locked(journal):
            import shutil

            shutil.rmtree(journal.parent, ignore_errors=True)


def list_sessions() -> list[SessionFacts]:
    """Every session with a journal, the latest first."""
    found = []
    folder = sessions_folder()
    if not folder.is_dir():
        return []
    for path in folder.iterdir():
        journal = path / FILE
        if not journal.is_file():
            continue
        with contextlib.suppress(StorageError, UsageError):
            entries = read_entries(path.name)
            found.append(
                SessionFacts(
                    path.name,
                    journal.stat().st_mtime,
                    sum(entry.get("kind") == "step" for entry in entries),
                    [str(entry.get("shown")) for entry in entries if entry.get("kind") == "input"],
                    _is_locked(journal),
                )
            )
    return sorted(found, key=lambda facts: -facts.modified)


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
