"""The sessions on disk: read, listed, found again, renamed, deleted. Light: each start of a shell asks it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brainsurgery_shell.errors import StorageError, UsageError, did_you_mean, listed
from brainsurgery_shell.lang.names import is_name
from brainsurgery_shell.session.story import Entry, Story

FILE = "journal.jsonl"

_BEGINNING = 4096
"""Bytes in which a journal names its folder and inputs, as far as a search for them looks."""
_ENDING = 64 * 1024
"""Bytes of a journal that tell a start whether there is unsaved work."""
_EDIT = b'"role":"edit"'


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session on disk, as ``sessions`` lists it."""

    name: str
    modified: float
    """When its journal was written last, in seconds since 1970."""
    state: Literal["running", "killed", "ended"]
    steps: int
    """Steps in force."""
    inputs: tuple[tuple[str, str], ...]
    """Alias and path, as typed."""
    unsaved: tuple[str, ...]
    """Aliases whose last edits no save has written."""

    @property
    def running(self) -> bool:
        """Whether a process has it open."""
        return self.state == "running"


def sessions_folder() -> Path:
    """Where sessions are kept: the user's state folder."""
    from platformdirs import user_state_path

    return user_state_path("brainsurgery") / "sessions"


def journal_path(name: str) -> Path:
    """Where the journal of a session is, if there is one."""
    return sessions_folder() / name / FILE


def check_name(name: str) -> str:
    """A name that the user chose.

    Raises:
        UsageError: it is taken or cannot name a file.
    """
    if not is_name(name):
        raise UsageError(f"'{name}' is no session name", hint="letters, digits, _ and -")
    if journal_path(name).exists():
        raise UsageError(
            f"the session '{name}' exists already", hint=f"go on with it: brainsurgery resume {name}"
        )
    return name


def session_names() -> list[str]:
    """The names of all sessions, the latest first."""
    return [name for _, name in _by_time(sessions_folder())]


def require_session(name: str) -> Path:
    """The journal of a session.

    Raises:
        UsageError: there is no such session.
    """
    path = journal_path(name)
    if os.sep not in name and path.is_file():
        return path
    names = session_names()
    hint = did_you_mean(name, names) or (f"sessions: {listed(names)}" if names else None)
    raise UsageError(f"there is no session '{name}'", hint=hint)


def read_entries(name: str) -> list[Entry]:
    """All entries of a session; a torn last line is left out.

    Raises:
        UsageError: there is no such session.
        StorageError: its journal is damaged.
    """
    path = require_session(name)
    try:
        return list(_parsed(path.read_bytes().split(b"\n")[:-1], path))
    except OSError as error:
        raise StorageError(f"cannot read the journal '{path}': {error.strerror or error}") from error


def _parsed(lines: Iterable[bytes], path: Path) -> Iterator[Entry]:
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise StorageError(f"the journal '{path}' is damaged in line {number}") from error
        if not isinstance(entry, dict) or "kind" not in entry:
            raise StorageError(f"the journal '{path}' is damaged in line {number}")
        yield entry


def list_sessions() -> list[SessionFacts]:
    """Every session whose journal can be read, the latest first."""
    found = []
    for modified, name in _by_time(sessions_folder()):
        with suppress(StorageError, UsageError, KeyError, TypeError):
            found.append(_facts(name, modified, read_entries(name)))
    return found


def latest_session() -> str | None:
    """The session that was used last and is not open now."""
    return next((name for name in session_names() if not is_locked(journal_path(name))), None)


def left_unsaved(paths: Iterable[Path], folder: Path) -> SessionFacts | None:
    """The latest session with edits that began with these inputs (without any: in this folder), if it left
    some unsaved and nobody has it open.

    Reads the beginning of each journal, and the end of those that began so.
    """
    wanted = [_as_in_journal(each) for each in paths]
    looked_for = wanted or [_as_in_journal(folder)]
    base = sessions_folder()
    for modified, name in _by_time(base):
        path = base / name / FILE
        with suppress(OSError, StorageError, ValueError, KeyError, TypeError):
            beginning, ending, whole = _ends(path)
            if _EDIT not in ending or not all(each in beginning for each in looked_for):
                continue
            if _began(beginning, wanted, folder) and not is_locked(path):
                entries = list(_parsed(ending.split(b"\n")[0 if whole else 1 : -1], path))
                facts = _facts(name, modified, entries)
                return facts if facts.unsaved else None
    return None


def _began(beginning: bytes, wanted: list[bytes], folder: Path) -> bool:
    """Whether a session whose journal begins so has these inputs or, without any, began in ``folder``."""
    header, *others = [json.loads(line) for line in beginning.split(b"\n")[:-1]]
    if not wanted:
        return bool(header.get("folder") == str(folder))
    paths = [entry["path"] for entry in others if entry["kind"] == "input"]
    return sorted(wanted) == sorted(map(_as_in_journal, paths))


def _as_in_journal(path: Path | str) -> bytes:
    return json.dumps(str(path), ensure_ascii=False).encode("utf-8", "surrogatepass")


def rename_session(name: str, new: str) -> None:
    """Give a session another name.

    Raises:
        UsageError: there is no such session, or one of that name exists already.
        StorageError: it is open, or cannot be renamed.
    """
    path = require_session(name)
    check_name(new)
    with _alone(path, name, "renamed"):
        path.parent.rename(sessions_folder() / new)


def delete_sessions(names: Iterable[str]) -> None:
    """Delete sessions and what they kept: all of them or, if one does not exist or is open, none.

    Raises:
        UsageError: there is no such session.
        StorageError: it is open, or cannot be deleted.
    """
    names = list(dict.fromkeys(names))
    journals = {name: require_session(name) for name in names}
    for name, path in journals.items():
        with _alone(path, name, "deleted"):
            continue
    for name, path in journals.items():
        with _alone(path, name, "deleted"):
            shutil.rmtree(path.parent)


@contextmanager
def _alone(path: Path, name: str, done: str) -> Iterator[None]:
    """With the lock of a journal; what the file system says is told of the session."""
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StorageError(
                    f"the session '{name}' is open in another process and cannot be {done}",
                    hint="leave it there first: exit",
                ) from error
            yield
    except OSError as error:
        raise StorageError(f"the session '{name}' cannot be {done}: {error.strerror or error}") from error


def _facts(name: str, modified: float, entries: list[Entry]) -> SessionFacts:
    state: Literal["running", "killed", "ended"] = "killed"
    if is_locked(journal_path(name)):
        state = "running"
    elif entries and entries[-1]["kind"] == "end":
        state = "ended"
    inputs = tuple((each["alias"], each["shown"]) for each in entries if each["kind"] == "input")
    story = Story.of(entries)
    return SessionFacts(name, modified, state, len(story.steps), inputs, tuple(sorted(story.unsaved)))


def _by_time(folder: Path) -> list[tuple[float, str]]:
    """When each session was written to, and its name: the latest first."""
    found = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                found.append((os.stat(f"{entry.path}/{FILE}").st_mtime, entry.name))  # noqa: PTH116
    return sorted(found, reverse=True)


def _ends(path: Path) -> tuple[bytes, bytes, bool]:
    """The beginning and the end of a journal, and whether the end is all of it."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        ending = os.pread(file, _ENDING, max(0, size - _ENDING))
        if size <= _ENDING:
            return ending[:_BEGINNING], ending, True
        return os.pread(file, _BEGINNING, 0), ending, False
    finally:
        os.close(file)


def is_locked(path: Path) -> bool:
    """Whether a process has the session open whose journal this is."""
    with suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
