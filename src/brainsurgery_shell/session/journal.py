"""The journal: JSON lines on disk, one file a session, appended and flushed before a step is reported.

Entries have a ``kind``: ``header``, ``input``, ``line`` (as it was typed), ``step``, ``undo``, ``redo``,
``saving`` (the intent, written before a save publishes), ``kept`` (a source that a save replaced was linked
aside), ``moved`` (where a resumed session found an input) and ``end`` (it was left in order).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.session.record import Record
from brainsurgery_shell.session.store import FILE, is_locked, sessions_folder
from brainsurgery_shell.session.story import Entry

MOST_SESSIONS = 200
OLDEST_DAYS = 90


class Journal:
    """The open journal of one session. The file and its folder are made with the first entry."""

    def __init__(self, name: str, *, resumed: bool = False) -> None:
        self.name = name
        self.folder = sessions_folder() / name
        self._file: int | None = None
        self._waiting: list[Entry] = []
        """Entries that are not worth a journal by themselves."""
        if resumed:
            self._open()

    @property
    def kept_folder(self) -> Path:
        """Where sources that a save replaced live on, as links, as long as the session can be resumed."""
        return self.folder / "kept"

    def append(self, entry: Entry, *, durable: bool = True) -> None:
        """Write one entry and flush it to the disk; one that is not ``durable`` waits for the next that is.

        Raises:
            StorageError: it cannot be written.
        """
        if self._file is None and not durable:
            self._waiting.append(entry)
            return
        try:
            if self._file is None:
                forget_old_sessions()
                self._open(new=True)
                self._waiting.insert(0, _header(self.name))
            self._write([*self._waiting, entry], durable=durable)
            self._waiting.clear()
        except OSError as error:
            raise StorageError(
                f"cannot write the journal '{self.folder / FILE}': {error.strerror or error}",
                hint="--no-journal works without one: such a session cannot be resumed",
            ) from error

    def end(self) -> None:
        """Say that the session was left in order, and not killed."""
        if self._file is not None:
            with suppress(OSError):  # what was to be kept is kept
                self._write([{"kind": "end", "time": time.time()}])

    def discard(self) -> None:
        """Remove it: nothing in it is worth going on from."""
        import shutil

        if self._file is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, *, new: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _lock(self._file)
        except BlockingIOError as error:
            os.close(self._file)
            self._file = None
            raise StorageError(
                f"the session '{self.name}' is open in another process",
                hint="leave it there first, or open the checkpoint anew",
            ) from error
        if new and os.fstat(self._file).st_size:
            self.close()
            raise StorageError(
                f"another process began a session '{self.name}' meanwhile",
                hint="begin again under another name: --session NAME",
            )
        self._mend_tail(self._file)

    @staticmethod
    def _mend_tail(file: int) -> None:
        """Cut off a last line that a killed process did not finish."""
        size = os.fstat(file).st_size
        data = os.pread(file, size, 0)
        end = data.rfind(b"\n") + 1
        if end != size:
            os.ftruncate(file, end)

    def _write(self, entries: Iterable[Entry], *, durable: bool = True) -> None:
        if self._file is None:
            return
        view = memoryview(b"".join(map(_as_line, entries)))
        before = os.fstat(self._file).st_size
        try:
            while view:
                view = view[os.write(self._file, view) :]
            if durable:
                os.fsync(self._file)
        except BaseException:
            with suppress(OSError):  # what is said to have failed is not to be replayed
                os.ftruncate(self._file, before)
            raise


def _as_line(entry: Entry) -> bytes:
    """JSON, as UTF-8; folders may have names that are none, and come back as they were."""
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _lock(file: int) -> None:
    """Take the lock of a journal; a process that only asks whether it is taken has it for a moment."""
    for patience in (0.001, 0.01, 0.05):
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(patience)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _header(name: str) -> Entry:
    from brainsurgery_shell import __version__

    return {
        "kind": "header",
        "session": name,
        "version": __version__,
        "time": time.time(),
        "folder": str(Path.cwd()),
    }


def entry_of(record: Record, parts: list[Entry] | None) -> Entry:
    """What the journal says of a step; of an executed file, with the entries of its ``parts``."""
    entry: Entry = {
        "kind": "step",
        "number": record.number,
        "line": print_command(record.command),
        "role": record.role,
        "count": record.count,
        "nbytes": record.nbytes,
        "seconds": round(record.seconds, 6),
        "time": record.time,
        "folder": str(record.folder),
    }
    if record.fingerprint is not None:
        entry["fingerprint"] = record.fingerprint
    if record.role == "edit":
        entry["aliases"] = sorted(record.aliases)
        if record.came or record.went:
            entry |= {"came": sorted(record.came), "went": sorted(record.went)}
    elif record.role == "save":
        entry["saved"] = record.saved_alias
    if record.mark is not None:
        entry["mark"] = record.mark
    if record.drawn:
        entry["drawn"] = record.drawn
    declared = OPERATIONS.get(record.command.name)
    if declared is not None and declared.origin is not None:
        entry["declared_in"] = declared.origin
    if parts is not None:
        entry["parts"] = parts
    return entry


def new_name() -> str:
    """A name for a session: when it began, and two letters against collisions."""
    return time.strftime("s%Y%m%d-%H%M%S-") + os.urandom(2).hex()


def forget_old_sessions() -> None:
    """Remove sessions that nobody will resume: beyond the ``MOST_SESSIONS`` latest, or too long unused."""
    folder = sessions_folder()
    if not folder.is_dir():
        return
    journals = sorted(folder.glob(f"*/{FILE}"), key=lambda path: -path.stat().st_mtime)
    oldest = time.time() - OLDEST_DAYS * 86400
    for place, journal in enumerate(journals):
        if (place >= MOST_SESSIONS or journal.stat().st_mtime < oldest) and not is_locked(journal):
            import shutil

            shutil.rmtree(journal.parent, ignore_errors=True)
