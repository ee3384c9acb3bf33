"""Bringing a session back: its journal is replayed. Nothing is evaluated and nothing is saved again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from brainsurgery_shell.declaration.operation import OPERATIONS
from brainsurgery_shell.errors import StorageError, SurgeryError, UsageError, did_you_mean, listed
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.session.journal import Journal
from brainsurgery_shell.session.paths import absolute, map_paths, paths_in
from brainsurgery_shell.session.record import REMEMBERED, Record
from brainsurgery_shell.session.relocate import Located, locate
from brainsurgery_shell.session.session import Session
from brainsurgery_shell.session.store import read_entries, require_session
from brainsurgery_shell.session.story import Entry
from brainsurgery_shell.session.together import grouped


def resume(session: Session, given: Mapping[str, str] | None = None) -> None:
    """Replay the journal of ``session.name`` into a new session; ``given``: where inputs lie now, by alias.

    Raises:
        SurgeryError: there is no such session, it is open elsewhere, or inputs are not what they were.
    """
    require_session(session.name)
    session.recorder.journal = Journal(session.name, resumed=True)  # locked: nobody adds to it any more
    entries = read_entries(session.name)
    given = given or {}
    _require_given(session.name, entries, given)
    _expect_sources(session, entries)
    within = _kept_within(entries)
    entries = [entry for entry in entries if entry.get("at") not in within]
    located = locate(session.name, entries, given, session.folder)
    session.sources.ready = located.opened
    session.recorder.replaying = True
    folder = session.folder
    try:
        for entry in entries:
            _replay(session, entry, located)
    except SurgeryError as error:
        raise error.located(step=f"while resuming the session '{session.name}'") from None
    finally:
        session.recorder.replaying = False
        session.sources.expected.clear()
        session.sources.moved.clear()
        session.sources.ready = {}
        session.folder = session.sources.folder = folder
    for doubt in located.doubts:
        session.warn(doubt)
    for old, new in located.moved.items():
        session.say(f"{old} is {new} now")
        session.recorder.write({"kind": "moved", "from": old, "to": new})


def _require_given(name: str, entries: list[Entry], given: Mapping[str, str]) -> None:
    inputs = [str(entry["alias"]) for entry in entries if entry["kind"] == "input"]
    for alias in given:
        if alias not in inputs:
            raise UsageError(
                f"the session '{name}' began with no input '{alias}'",
                hint=did_you_mean(alias, inputs) or f"its inputs: {listed(inputs) or 'none'}",
            )


def _expect_sources(session: Session, entries: list[Entry]) -> None:
    """Where later saves of the session put what was at a path, in order."""
    assert session.recorder.journal is not None
    for entry in entries:
        if entry["kind"] == "kept":
            at = session.recorder.journal.folder / entry["at"]
            session.sources.moved.setdefault(Path(entry["path"]), []).append(at)


def _kept_within(entries: list[Entry]) -> set[str]:
    """What was linked aside in the middle of an executed file: noted at once, and again where it happened."""
    parts = [part for entry in entries for part in entry.get("parts", ())]
    found = {part["at"] for part in parts if part["kind"] == "kept"}
    return found | _kept_within(parts) if parts else found


def _replay(session: Session, entry: Entry, located: Located) -> None:
    kind = entry["kind"]
    session.folder = session.sources.folder = located.folder(entry, session.folder)
    if kind == "input":
        shown = located.shown(entry, entry["shown"])
        session.sources.expected[absolute(shown, session.folder)] = entry["fingerprint"]
        session.open_input(shown, entry["alias"])
    elif kind == "step":
        _replay_step(session, entry, located)
    elif kind == "line":
        session.recorder.note_line(entry["text"], entry["time"])
    elif kind == "undo":
        session.services.undo(entry["count"])
    elif kind == "redo":
        session.services.redo(entry["count"])
    elif kind == "kept":
        # From here on the path means what the save wrote.
        session.sources.moved[Path(entry["path"])].pop(0)
        session.sources.expected.pop(Path(entry["path"]), None)


def _replay_step(session: Session, entry: Entry, located: Located) -> None:
    command = parse_line(entry["line"])
    if command is None:
        raise StorageError(f"the journal of '{session.name}' holds an empty step")
    if "parts" in entry:
        started = time.perf_counter()
        with grouped(session, None, None) as group:
            for part in entry["parts"]:
                _replay(session, part, located)
        session.close_group(command, group, started)
    elif entry["role"] in REMEMBERED:
        session.recorder.remember(
            Record(entry["number"], command, entry["role"], entry["count"], entry["seconds"])
        )
    else:
        if "fingerprint" in entry:
            command = map_paths(command, lambda path: located.shown(entry, path))
            for path in paths_in(command):
                session.sources.expected[absolute(path, session.sources.folder)] = entry["fingerprint"]
        _require_known(session, command.name, entry.get("declared_in"))
        session.execute(command)
    session.recorder.recall(entry)


def _require_known(session: Session, name: str, origin: str | None) -> None:
    """Fail if the operation is gone; ``origin`` is where it was declared, if that was no file of ours."""
    if OPERATIONS.get(name) is None:
        where = Path(origin).parent if origin is not None and Path(origin).is_absolute() else "DIR"
        again = f"brainsurgery resume {session.name} --ops-dir {where}"
        raise StorageError(
            f"the session used '{name}', and there is no such operation now",
            hint=OPERATIONS.noted(f"it was declared in {origin or 'a file that is not known'}: {again}"),
        )
