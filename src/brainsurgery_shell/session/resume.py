"""Bringing a session back: its journal is replayed. Nothing is evaluated and nothing is saved again."""

from __future__ import annotations

import time
from pathlib import Path

from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.errors import StorageError, SurgeryError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.session.journal import Entry, Journal, list_sessions, read_entries
from brainsurgery_shell.session.paths import absolute, paths_in
from brainsurgery_shell.session.record import Record
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.together import grouped


def latest_session() -> str | None:
    """The session that was used last and is not open now."""
    return next((facts.name for facts in list_sessions() if not facts.running), None)


def resume(session: Session) -> None:
    """Replay the journal of ``session.name`` into a new session.

    Raises:
        SurgeryError: there is no such session, it is open elsewhere, or an input is not what it was.
    """
    entries = read_entries(session.name)
    session.recorder.journal = Journal(session.name, resumed=True)
    _expect_sources(session, entries)
    session.recorder.replaying = True
    folder = session.folder
    try:
        within = _kept_within(entries)
        for entry in entries:
            if entry.get("at") not in within:
                _replay(session, entry)
    except SurgeryError as error:
        raise error.located(step=f"while resuming the session '{session.name}'") from None
    finally:
        session.recorder.replaying = False
        session.sources.expected.clear()
        session.sources.moved.clear()
        session.folder = session.sources.folder = folder


def _expect_sources(session: Session, entries: list[Entry]) -> None:
    """Where later saves of the session put what was at a path, in order."""
    for entry in entries:
        if entry["kind"] == "kept":
            session.sources.moved.setdefault(Path(entry["path"]), []).append(Path(entry["at"]))


def _kept_within(entries: list[Entry]) -> set[str]:
    """What was linked aside in the middle of an executed file: noted at once, and again where it happened."""
    parts = [part for entry in entries for part in entry.get("parts", ())]
    found = {part["at"] for part in parts if part["kind"] == "kept"}
    return found | _kept_within(parts) if parts else found


def _replay(session: Session, entry: Entry) -> None:
    kind = entry["kind"]
    session.folder = session.sources.folder = Path(entry.get("folder", session.folder))
    if kind == "input":
        session.sources.expected[Path(entry["path"])] = entry["fingerprint"]
        session.open_input(entry["shown"], entry["alias"])
    elif kind == "step":
        _replay_step(session, entry)
    elif kind == "undo":
        session.services.undo(entry["count"])
    elif kind == "redo":
        session.services.redo(entry["count"])
    elif kind == "kept":
        # From here on the path means what the save wrote.
        session.sources.moved[Path(entry["path"])].pop(0)
        session.sources.expected.pop(Path(entry["path"]), None)


def _replay_step(session: Session, entry: Entry) -> None:
    command = parse_line(entry["line"])
    if command is None:
        raise StorageError(f"the journal of '{session.name}' holds an empty step")
    if "parts" in entry:
        started = time.perf_counter()
        with grouped(session, None, None) as group:
            for part in entry["parts"]:
                _replay(session, part)
        session.close_group(command, group, started)
    elif entry["role"] in ("assert", "inspect"):
        session.recorder.remember(
            Record(entry["number"], command, entry["role"], entry["count"], entry["seconds"])
        )
    else:
        if "fingerprint" in entry:
            for path in paths_in(command):
                session.sources.expected[absolute(path, session.sources.folder)] = entry["fingerprint"]
        _require_known(session, command.name, entry.get("declared_in"))
        session.execute(command)


def _require_known(session: Session, name: str, origin: str | None) -> None:
    """Fail if the operation is gone; ``origin`` is where it was declared, if that was no file of ours."""
    if OPERATIONS.get(name) is None:
        where = Path(origin).parent if origin is not None and Path(origin).is_absolute() else "DIR"
        again = f"brainsurgery resume {session.name} --ops-dir {where}"
        raise StorageError(
            f"the session used '{name}', and there is no such operation now",
            hint=OPERATIONS.noted(f"it was declared in {origin or 'a file that is not known'}: {again}"),
        )
