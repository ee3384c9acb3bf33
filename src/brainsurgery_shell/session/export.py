"""The plan of a session on disk, from its journal alone: inputs that are gone are not needed for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.session.paths import absolute
from brainsurgery_shell.session.record import Record
from brainsurgery_shell.session.session import Input, Session
from brainsurgery_shell.session.settings import Settings
from brainsurgery_shell.session.store import read_entries
from brainsurgery_shell.session.story import Entry, Story
from brainsurgery_shell.session.summary import summarize


def plan_of(name: str, layout: str, base: Path) -> list[str]:
    """Lines of the plan (``layout`` yaml) or script (oly) of the steps in force.

    Relative paths start at ``base``.

    Raises:
        SurgeryError: there is no such session, or its journal is damaged.
    """
    entries = read_entries(name)
    moved = {each["from"]: each["to"] for each in entries if each["kind"] == "moved"}
    session = Session(Settings(memory=0, journal=False), name=name)
    try:
        session.summary_folder = base
        session.inputs = [_input(each, moved) for each in entries if each["kind"] == "input"]
        session.timeline.steps = list(_records(Story.of(entries).steps, moved))
        return summarize(session, everything=False, resolve=False, layout=layout)
    finally:
        session.close()


def _input(entry: Entry, moved: Mapping[str, str]) -> Input:
    """An input where a resumed session found it, if it had moved."""
    shown, path = entry["shown"], Path(entry["path"])
    if entry["path"] in moved:
        shown, path = moved[entry["path"]], Path(moved[entry["path"]])
    elif entry["folder"] in moved:
        path = absolute(shown, Path(moved[entry["folder"]]))
    return Input(entry["alias"], shown, path, entry["fingerprint"])


def _records(steps: Sequence[Entry], moved: Mapping[str, str]) -> Iterator[Record]:
    for step in steps:
        command = parse_line(step["line"]) if step["kind"] == "step" else None
        if command is not None:
            yield Record(
                step["number"],
                command,
                step["role"],
                step["count"],
                aliases=frozenset(step.get("aliases", ())),
                parts=list(_records(step.get("parts", ()), moved)),
                saved_alias=step.get("saved"),
                folder=Path(moved.get(step["folder"], step["folder"])),
            )
