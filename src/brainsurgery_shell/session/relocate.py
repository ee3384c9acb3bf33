"""Where the inputs of a session lie now. All are looked for before anything is replayed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brainsurgery_shell.errors import StorageError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.session.paths import absolute, paths_in
from brainsurgery_shell.session.story import Entry
from brainsurgery_shell.storage.read import Opened, open_checkpoint


@dataclass(frozen=True, slots=True)
class Place:
    """A path as it is typed, and the folder that it starts from."""

    shown: str
    folder: Path

    @property
    def path(self) -> Path:
        """The same, absolute."""
        return absolute(self.shown, self.folder)


@dataclass(slots=True)
class Located:
    """What was found."""

    places: dict[int, Place] = field(default_factory=dict)
    """By the identity of the journal's entry: where the checkpoint is that it opens."""
    folders: dict[Path, Path] = field(default_factory=dict)
    """Folders that moved, and where they are."""
    opened: dict[Path, Opened] = field(default_factory=dict)
    """What was opened on the way, by its place."""
    moved: dict[str, str] = field(default_factory=dict)
    """What is not where the journal says, folders and files, as far as it does not know."""
    problems: dict[Path, str] = field(default_factory=dict)
    """What keeps the session from being replayed, by where the journal says that it is."""
    doubts: list[str] = field(default_factory=list)
    """What headers and sizes do not tell."""

    def shown(self, entry: Entry, otherwise: str) -> str:
        """The path that an entry opens; ``otherwise`` is how it was typed."""
        place = self.places.get(id(entry))
        return otherwise if place is None else place.shown

    def folder(self, entry: Entry, otherwise: Path) -> Path:
        """What relative paths of an entry start from."""
        if id(entry) in self.places:
            return self.places[id(entry)].folder
        recorded = Path(entry.get("folder", otherwise))
        return self.folders.get(recorded, recorded)


def locate(name: str, entries: Sequence[Entry], given: Mapping[str, str], here: Path) -> Located:
    """Find all checkpoints that replaying the ``entries`` of the session ``name`` opens.

    Each is looked for where ``given`` says (paths by alias), or where it was, where an earlier search found
    it, and below ``here`` as it was below the folder where the session began. It must be what it was.

    Raises:
        StorageError: some are not there or changed; all of them are named.
    """
    search = _Search(entries, given, here)
    search.look_for_all(entries)
    found = search.found
    if found.problems:
        count = len(found.problems)
        what = "an input" if count == 1 else f"{count} inputs"
        raise StorageError(
            "\n  ".join((f"{what} of the session '{name}' cannot be used:", *found.problems.values())),
            hint="put back what was there, or say where an input lies now: "
            f"brainsurgery resume {name} ALIAS::PATH (its plan alone: brainsurgery sessions export {name})",
        )
    return found


class _Search:
    def __init__(self, entries: Sequence[Entry], given: Mapping[str, str], here: Path) -> None:
        self.found = Located()
        self._given, self._here = given, here
        self._began = Path(next((each["folder"] for each in entries if "folder" in each), here))
        self._moved = {each["from"]: each["to"] for each in entries if each["kind"] == "moved"}
        self._kept = list(_kept(entries))

    def look_for_all(self, entries: Sequence[Entry]) -> None:
        """Look for what the entries open, but for what a later save put aside: that cannot have moved."""
        for entry in entries:
            if entry["kind"] == "kept":
                self._kept.remove(entry["path"])
            elif "parts" in entry:
                self.look_for_all(entry["parts"])
            else:
                for place in _opened_by(entry):
                    if str(place.path) in self._kept:
                        self.found.places[id(entry)] = place
                    else:
                        self._look_for(entry, place)

    def _look_for(self, entry: Entry, recorded: Place) -> None:
        problems = []
        for place in self._candidates(entry, recorded):
            problem = self._problem(entry, place)
            if problem is None:
                self._take(entry, recorded, place)
                return
            problems.append(problem)
        alias = f"{entry['alias']}: " if "alias" in entry else ""
        changed = [each for each in problems if "is not there" not in each]
        self.found.problems.setdefault(recorded.path, f"{alias}{(changed or problems)[0]}")

    def _candidates(self, entry: Entry, recorded: Place) -> Iterator[Place]:
        if entry.get("alias") in self._given:
            yield Place(self._given[entry["alias"]], self._here)
            return
        before = self._moved.get(str(recorded.path))
        if before is not None:
            yield Place(before, recorded.folder)
        relative = not recorded.shown.startswith("~") and not Path(recorded.shown).is_absolute()
        if relative and str(recorded.folder) in self._moved:
            yield Place(recorded.shown, Path(self._moved[str(recorded.folder)]))
        yield recorded
        if recorded.path.is_relative_to(self._began):
            path = self._here / recorded.path.relative_to(self._began)
            start = Path(os.path.normpath(self._here / os.path.relpath(recorded.folder, self._began)))
            as_typed = Place(recorded.shown, start)
            yield as_typed if relative and as_typed.path == path else Place(str(path), self._here)
        elif relative:
            yield Place(recorded.shown, self._here)

    def _take(self, entry: Entry, recorded: Place, place: Place) -> None:
        found = self.found
        found.places[id(entry)] = place
        if place == recorded:
            return
        old, new = str(recorded.path), str(place.path)
        if place.shown == recorded.shown and self._all_moved(recorded.folder, place.folder):
            found.folders[recorded.folder] = place.folder
            old, new = str(recorded.folder), str(place.folder)
        if self._moved.get(old) != new:
            found.moved[old] = new

    def _all_moved(self, folder: Path, to: Path) -> bool:
        """Whether a folder seems to have moved as a whole, and not this one thing in it."""
        before = self.found.folders.get(folder) or Path(self._moved.get(str(folder), folder))
        return before == to or not before.exists()

    def _problem(self, entry: Entry, place: Place) -> str | None:
        path = place.path
        if not path.exists():
            where = "" if str(path) == place.shown else f" ({path})"
            return f"'{place.shown}' is not there{where}"
        try:
            opened = self.found.opened.get(path) or open_checkpoint(path, place.shown)
        except StorageError as error:
            return error.message if entry["kind"] == "input" else None  # a step may say what format it is
        self.found.opened[path] = opened
        if opened.fingerprint == entry["fingerprint"]:
            now = facts_of(opened)
            if entry.get("mtime_ns", now["mtime_ns"]) != now["mtime_ns"]:
                self.found.doubts.append(
                    f"'{place.shown}' was written again ({_when(now)}): "
                    "names, dtypes and shapes are the same, values may not be"
                )
            return None
        return f"'{place.shown}' has changed: {_difference(entry, opened)}"


def _opened_by(entry: Entry) -> Iterator[Place]:
    """The checkpoint that an input or a step opens."""
    if entry["kind"] == "input":
        yield Place(entry["shown"], Path(entry["folder"]))
    elif entry["kind"] == "step" and "fingerprint" in entry:
        command = parse_line(entry["line"])
        for shown in paths_in(command) if command is not None else ():
            yield Place(shown, Path(entry["folder"]))


def _kept(entries: Sequence[Entry]) -> Iterator[str]:
    """The paths that saves replaced, in order."""
    for entry in entries:
        if entry["kind"] == "kept":
            yield entry["path"]
        yield from _kept(entry.get("parts", ()))


def facts_of(opened: Opened) -> dict[str, int]:
    """What the journal notes of an input, to say later what changed."""
    files = opened.files
    return {
        "tensors": len(opened.tensors),
        "nbytes": sum(file.facts.size for file in files),
        "mtime_ns": max((file.facts.mtime_ns for file in files), default=0),
    }


def _difference(entry: Entry, opened: Opened) -> str:
    now = facts_of(opened)
    written = f"written {_when(now)}"
    if entry["kind"] == "input" and any(entry.get(key) != now[key] for key in ("tensors", "nbytes")):
        return f"it had {_words(entry)}, and has {_words(now)} ({written})"
    return f"other names, dtypes, shapes or metadata in its {_words(now)} ({written})"


def _when(facts: Mapping[str, int]) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(facts["mtime_ns"] / 1e9))


def _words(facts: Mapping[str, int]) -> str:
    count = facts["tensors"]
    return f"{count} tensor{'' if count == 1 else 's'} in {size_words(facts['nbytes'])}"
